import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';
import { allowOnly, STRICT } from '../harness/policies.ts';
import { SidecarProcess } from '../harness/sidecar.ts';

const HOST = 'api.partner.example';

/** Callers send what is for the partner to the gateway, and the gateway to where the partner is. */
const rules = (port: number): string => `${STRICT}---
${allowOnly('egress-gateway', 'users-api')}---
apiVersion: rampart.dev/v1
kind: MeshConfig
metadata: { name: default, namespace: istio-system }
spec: { outboundTrafficPolicy: { mode: REGISTRY_ONLY } }
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: partner, namespace: default }
spec:
  hosts: [${HOST}]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: STATIC
  endpoints: [{ address: 127.0.0.1, ports: { http: ${port} } }]
`;

const TO_GATEWAY = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: partner, namespace: default }
spec:
  hosts: [${HOST}]
  http:
  - route: [{ destination: { host: egress-gateway.default.svc.cluster.local } }]
`;

describe('an egress gateway', () => {
  let plane: ControlPlaneProcess;
  let partner: Server;
  let gateway: SidecarProcess;
  let users: Laboratory;
  let thief: Laboratory;
  let sidecar: SidecarProcess;
  const seen: { readonly url: string; readonly headers: IncomingHttpHeaders }[] = [];

  before(async () => {
    partner = createServer(({ url = '', headers }, response) => {
      seen.push({ url, headers });
      response.end('from outside');
    }).listen(0, '127.0.0.1');
    await once(partner, 'listening');
    plane = await ControlPlaneProcess.start();
    await plane.apply(rules((partner.address() as AddressInfo).port));
    gateway = await SidecarProcess.start(plane, {
      serviceAccount: 'egress-gateway',
      service: 'egress-gateway',
      args: ['--egress-gateway'],
    });
    await plane.apply(TO_GATEWAY);
    [users, thief, sidecar] = await Promise.all([
      Laboratory.start(plane, { serviceAccount: 'users-api' }),
      Laboratory.start(plane, { serviceAccount: 'thief' }),
      SidecarProcess.start(plane, { serviceAccount: 'users-api' }),
    ]);
  });

  after(async () => {
    partner.close();
    await Promise.all([users.kill(), thief.kill(), sidecar.stop(), gateway.stop()]);
    await plane.stop();
  });

  const ask = (from: Laboratory, url: string): Promise<string> =>
    from.run(async (_, target) => {
      const answer = await fetch(target);
      return `${answer.status} ${await answer.text()}`;
    }, url);

  it('calls hosts outside for services of the mesh, which prove who they are to it', async () => {
    assert.equal(await ask(users, `http://${HOST}/api/orders?q=1`), '200 from outside');
    const { url, headers } = seen.at(-1) ?? {};
    assert.deepEqual([url, headers?.host], ['/api/orders?q=1', HOST]);
    const record = await until('the record of the gateway', async () =>
      (await plane.records()).find(
        (each) => each.reporter === 'destination' && each.destination_service === 'egress-gateway.default.svc',
      ),
    );
    assert.deepEqual(
      [record.source_principal, record.authority, record.authorization_policy, record.tls_version],
      ['spiffe://cluster.local/ns/default/sa/users-api', HOST, 'default/egress-gateway-policy', 'TLSv1.3'],
    );
  });

  it('does so for applications behind sidecars', async () => {
    const proxied = await sidecarAsks(sidecar, `http://${HOST}/api/orders`);
    assert.equal(proxied, '200 from outside');
  });

  it('is held to its policies: who may leave, and whereto', async () => {
    const before = seen.length;
    assert.match(await ask(thief, `http://${HOST}/api/orders`), /^403 RBAC: access denied/);
    assert.match(await ask(users, `http://${HOST}/admin`), /^403 RBAC: access denied/);
    assert.equal(seen.length, before);
  });

  it('is no way for what nobody could judge', async () => {
    const failure = await users.run(async (_, url) => {
      try {
        return String((await fetch(url)).status);
      } catch (error) {
        return ((error as Error).cause as Error).message;
      }
    }, `https://${HOST}/`);
    assert.match(failure, /in no ServiceEntry|leave by an egress gateway, in plain HTTP and no other way/);
  });

  it('leads nobody back into the mesh, and nowhere that no rule names', async () => {
    for (const host of ['egress-gateway', 'elsewhere.example']) {
      const answer = await users.run(
        ({ http }, name) =>
          new Promise<string>((resolve, reject) => {
            const request = http.get('http://egress-gateway/api/x', { headers: { host: name } }, (response) => {
              let all = '';
              response.on('data', (chunk: Buffer) => (all += chunk.toString()));
              response.on('end', () => resolve(`${response.statusCode ?? 0} ${all}`));
            });
            request.on('error', reject);
          }),
        host,
      );
      assert.match(answer, /^403 EGRESS_DENIED: /);
    }
  });
});

async function sidecarAsks({ announcement }: SidecarProcess, url: string): Promise<string> {
  const { request } = await import('node:http');
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  request({ host: '127.0.0.1', port: announcement.proxyPort, path: url }, (response) => {
    let all = '';
    response.on('data', (chunk: Buffer) => (all += chunk.toString()));
    response.on('end', () => resolve(`${response.statusCode ?? 0} ${all}`));
  })
    .on('error', reject)
    .end();
  return promise;
}
