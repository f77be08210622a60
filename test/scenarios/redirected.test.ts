import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';

import type { AccessLogRecord } from '@rampart/core';
import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { bareEnvironment } from '../harness/environment.ts';
import { allowOnly, STRICT } from '../harness/policies.ts';
import { runNode } from '../harness/program.ts';
import { COMMAND } from '../harness/programs.ts';
import { SidecarProcess } from '../harness/sidecar.ts';
import { ADDRESSES, applyRules, noHosts, runAsApplication, TwoHosts } from '../harness/two-hosts.ts';
import type { Heard } from '../harness/two-hosts.ts';

const CURL = '/usr/bin/curl';
/** Somewhere on the internet, as far as anybody here can tell; served by the other host. */
const OUTSIDE = '203.0.113.5';

/** On the other host: a service with HTTP, one that speaks first, and what is no service of the mesh. */
const APPLICATIONS = `
import { createServer } from 'node:http';
import { createServer as createTcp } from 'node:net';
const http = createServer((request, response) => response.end('orders ' + request.url)).listen(8000, '127.0.0.1');
createTcp((socket) => socket.on('error', () => {}).end('220 ready')).listen(8001, '127.0.0.1');
createServer((request, response) => response.end('outside ' + request.headers.host)).listen(80, '${OUTSIDE}', () =>
  console.log('ready'),
);
`;

const EGRESS = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: out }
spec:
  podSelector: { matchLabels: { app: users-api } }
  policyTypes: [Egress]
  egress:
  - to: [{ podSelector: { matchLabels: { app: orders-api } } }, { ipBlock: { cidr: 10.255.255.0/24 } }]
`;

const MAIL = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: mail, namespace: default }
spec:
  selector: { matchLabels: { app: mail } }
  rules: [{ from: [{ source: { principals: ["cluster.local/ns/default/sa/users-api"] } }] }]
`;

describe(
  'an application without proxy settings, whose connections nftables brings to its sidecar',
  { skip: noHosts(CURL) },
  () => {
    let hosts: TwoHosts;
    let plane: ControlPlaneProcess;
    let applications: ChildProcess;
    let orders: SidecarProcess;
    let mail: SidecarProcess;
    let users: SidecarProcess;

    before(async () => {
      hosts = await TwoHosts.join();
      hosts.onThere('/usr/sbin/ip', 'addr', 'add', `${OUTSIDE}/32`, 'dev', 'lo');
      applications = await start(hosts.there, APPLICATIONS);
      plane = await ControlPlaneProcess.start({ host: ADDRESSES.control });
      await plane.apply([STRICT, allowOnly('orders-api', 'users-api'), MAIL].join('---\n'));
      const serving = (service: string, ...args: string[]): Promise<SidecarProcess> =>
        SidecarProcess.start(plane, {
          serviceAccount: service,
          service,
          args: ['--mesh-host', ADDRESSES.there, ...args],
          place: hosts.there,
        });
      [orders, mail, users] = await Promise.all([
        serving('orders-api', '--app-port', '8000'),
        serving('mail', '--app-port', '8001', '--app-protocol', 'tcp'),
        SidecarProcess.start(plane, {
          serviceAccount: 'users-api',
          args: ['--processes', '2', '--redirect-port', '0', '--dns-port', '0', '--dns-forward', '127.0.0.1:9'],
        }),
      ]);
      const { redirectPort = 0, dnsPort = 0 } = users.announcement;
      const ports = ['--redirect-port', String(redirectPort), '--dns-port', String(dnsPort)];
      const { stdout, stderr } = await runNode([COMMAND, 'sidecar', 'nftables', ...ports, '--exempt-user', '0']);
      assert.equal(stderr, '');
      applyRules(stdout);
      await until('the services to be known', async () => {
        const found = [await curl('http://orders-api/api/ready'), await curl('http://mail/')];
        return found[0]?.stdout === 'orders /api/ready' && found[1]?.code !== 6;
      });
    });

    after(async () => {
      await Promise.all([orders.stop(), mail.stop(), users.stop()]);
      applications.kill();
      await plane.stop();
      hosts.close();
    });

    /** The record of one end that `isIt`. */
    const recorded = (reporter: string, isIt: (record: AccessLogRecord) => boolean): Promise<AccessLogRecord> =>
      until('the record', async () =>
        (await plane.records()).find((record) => record.reporter === reporter && isIt(record)),
      );

    it('calls a service by its name', async () => {
      assert.equal((await curl('http://orders-api/api/by-name')).stdout, 'orders /api/by-name');
      const record = await recorded('destination', ({ request_path: path }) => path === '/api/by-name');
      assert.equal(record.source_principal, 'spiffe://cluster.local/ns/default/sa/users-api');
    });

    it('calls an instance by its address, which would be refused in plaintext', async () => {
      const { meshPort = 0 } = orders.announcement;
      const url = `http://${ADDRESSES.there}:${meshPort}/api/by-address`;
      assert.equal((await curl(url)).stdout, 'orders /api/by-address');
      const record = await recorded('destination', ({ request_path: path }) => path === '/api/by-address');
      assert.equal(record.source_principal, 'spiffe://cluster.local/ns/default/sa/users-api');
      assert.match(JSON.stringify(await plainly(url)), /"code":(?:52|56)/);
    });

    it('is held to the policies of whom it calls', async () => {
      assert.equal((await curl('http://orders-api/admin')).stdout, 'RBAC: access denied');
    });

    it('reaches a service that speaks first, by name and by address', async () => {
      const port = mail.announcement.meshPort ?? 0;
      for (const host of ['mail', ADDRESSES.there]) {
        assert.equal((await curl(`telnet://${host}:${port}`)).stdout, '220 ready', host);
      }
    });

    it('reaches what is not of the mesh as it is, on record, for as long as egress policy lets it', async () => {
      assert.equal((await curl(`http://${OUTSIDE}/`)).stdout, `outside ${OUTSIDE}`);
      const allowed = await recorded('source', ({ authority }) => authority === `${OUTSIDE}:80`);
      assert.deepEqual([allowed.authorization_decision, allowed.upstream_host], ['ALLOW', `${OUTSIDE}:80`]);
      await plane.apply(EGRESS);
      await until('the policy to hold', async () => (await curl(`http://${OUTSIDE}/`)).stdout === '');
      const denied = await recorded('source', ({ authorization_decision: decision }) => decision === 'DENY');
      assert.deepEqual(
        [denied.authority, denied.response_flags, denied.authorization_policy],
        [`${OUTSIDE}:80`, 'UAEX', 'default/out'],
      );
      const { meshPort = 0 } = mail.announcement;
      assert.equal((await curl(`telnet://${ADDRESSES.there}:${meshPort}`)).stdout, '', 'a service by its address');
      assert.equal((await curl('http://orders-api/api/still')).stdout, 'orders /api/still');
    });
  },
);

function curl(url: string): Promise<Heard> {
  return runAsApplication(CURL, '--silent', '--max-time', '5', '--no-buffer', url);
}

/** As a user whose connections are left alone. */
async function plainly(url: string): Promise<{ readonly code: number | null }> {
  const child = spawn(CURL, ['--silent', '--max-time', '5', url], { stdio: 'ignore' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code };
}

/** Starts a program of Node at a place; resolves once it has said that it is ready. */
async function start(place: readonly string[], source: string): Promise<ChildProcess> {
  const [file, ...args] = [...place, process.execPath, '--input-type=module', '--eval', source];
  const child = spawn(file, args, { env: bareEnvironment(), stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}
