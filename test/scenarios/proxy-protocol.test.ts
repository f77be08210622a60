import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { CURL, freePort, HAPROXY, lacks, NGINX, OutsideProgram } from '../harness/outside-program.ts';
import { SidecarProcess } from '../harness/sidecar.ts';

const run = promisify(execFile);

/** Of the load balancer, as the sidecars see it; and of two clients of it. */
const BALANCER = '127.0.0.3';
const [KNOWN, UNKNOWN] = ['127.0.0.21', '127.0.0.22'];

/** Plaintext is let in, from one client alone. */
const FROM_KNOWN = `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: istio-system }
spec: { mtls: { mode: PERMISSIVE } }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: known }
spec:
  action: ALLOW
  rules:
  - from: [{ source: { remoteIpBlocks: ["${KNOWN}/32"] } }]
  - from: [{ source: { principals: ["cluster.local/ns/default/sa/caller"] } }]
`;

describe('a load balancer that speaks the PROXY protocol', { skip: lacks(HAPROXY, NGINX, CURL) }, () => {
  let plane: ControlPlaneProcess;
  let application: OutsideProgram;
  let balancer: OutsideProgram;
  let web: SidecarProcess;
  let caller: SidecarProcess;
  let ports: { readonly web: number; readonly v1: number; readonly v2: number; readonly mesh: number };

  before(async () => {
    plane = await ControlPlaneProcess.start();
    await plane.apply(FROM_KNOWN);
    ports = { web: await freePort(), v1: await freePort(), v2: await freePort(), mesh: await freePort() };
    application = await OutsideProgram.nginx(
      `server { listen 127.0.0.1:${ports.web} proxy_protocol; return 200 "$proxy_protocol_addr $proxy_protocol_server_port"; }`,
      ports.web,
    );
    const door = ['--app-port', String(ports.web), '--app-proxy-protocol', 'v2', '--mesh-port', String(ports.mesh)];
    // Registered where the load balancer listens: the mesh calls through it, too.
    const place = ['--mesh-host', '127.0.0.1', '--instance-host', BALANCER, '--proxy-protocol-from', `${BALANCER}/32`];
    [web, caller] = await Promise.all([
      SidecarProcess.start(plane, { serviceAccount: 'web', service: 'web', args: [...door, ...place] }),
      SidecarProcess.start(plane, { serviceAccount: 'caller' }),
    ]);
    balancer = await OutsideProgram.haproxy(
      [
        listener('v1', `127.0.0.1:${ports.v1}`, 'send-proxy'),
        listener('v2', `127.0.0.1:${ports.v2}`, 'send-proxy-v2'),
        listener('mesh', `${BALANCER}:${ports.mesh}`, 'send-proxy-v2'),
        listener('silent', `${BALANCER}:${ports.v1}`, ''),
      ],
      { port: ports.mesh, host: BALANCER },
    );
  });

  after(async () => {
    balancer.stop();
    application.stop();
    await Promise.all([web.stop(), caller.stop()]);
    await plane.stop();
  });

  const listener = (name: string, address: string, way: string): string =>
    [`listen ${name}`, '  mode tcp', `  bind ${address}`, server(way)].join('\n');
  const server = (way: string): string => `  server s 127.0.0.1:${ports.mesh} source ${BALANCER} ${way}`;

  const curl = async (...args: readonly string[]): Promise<string> =>
    (await run(CURL, ['-s', '-m', '5', ...args]).catch((error: unknown) => error as { stdout: string })).stdout;

  for (const version of ['v1', 'v2'] as const) {
    it(`is believed whose connections it brings, by ${version}: policy, record and application know it`, async () => {
      const url = `http://127.0.0.1:${ports[version]}/${version}`;
      assert.equal(await curl('--interface', KNOWN, url), `${KNOWN} ${ports.web}`);
      assert.equal(await curl('--interface', UNKNOWN, url), 'RBAC: access denied');
      await until('the records', async () => {
        const records = (await plane.records()).filter(({ request_path: path }) => path === `/${version}`);
        const ends = new Set(records.map(({ x_forwarded_for: from, authorization_decision: by }) => `${from} ${by}`));
        return ends.has(`${KNOWN} ALLOW`) && ends.has(`${UNKNOWN} DENY`);
      });
    });
  }

  it('carries the mutual TLS of members of the mesh', async () => {
    const proxy = `http://127.0.0.1:${caller.announcement.proxyPort}`;
    const heard = await until('the service to be known', async () => {
      const text = await curl('-x', proxy, 'http://web/through');
      return text.startsWith('127.') ? text : undefined;
    });
    assert.equal(heard, `127.0.0.1 ${ports.web}`);
    const record = await until('the record', async () =>
      (await plane.records()).find(
        ({ request_path: path, reporter }) => path === '/through' && reporter === 'destination',
      ),
    );
    assert.equal(record.source_principal, 'spiffe://cluster.local/ns/default/sa/caller');
  });

  it('is refused, on record, where it does not say whose connection it brings', async () => {
    assert.equal(await curl(`http://${BALANCER}:${ports.v1}/silent`), '');
    const refusal = await until('the record', async () =>
      (await plane.refusals()).find(({ kind }) => kind === 'handshake_failed'),
    );
    assert.equal(refusal.reason, 'PROXY protocol: there is none');
    assert.match(refusal.remote_address, /^127\.0\.0\.3:/);
  });

  it('is named by an address: a sidecar that is told of another one says so, and ends', async () => {
    const args = ['--app-port', String(ports.web), '--proxy-protocol-from', '10.0.0/8'];
    const starting = SidecarProcess.start(plane, { serviceAccount: 'web', service: 'web', args });
    await assert.rejects(starting, /ended with 2: [^]*10\.0\.0\/8\\" is not an IP address or CIDR block/);
  });

  it('is one that was named: what anybody else claims is no HTTP', async () => {
    const socket = connect({ port: ports.mesh, host: '127.0.0.1' });
    socket.write(`PROXY TCP4 ${KNOWN} 127.0.0.1 1 2\r\nGET / HTTP/1.1\r\nHost: web\r\n\r\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 400 /);
    socket.destroy();
  });
});
