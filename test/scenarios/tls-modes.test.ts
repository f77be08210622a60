import assert from 'node:assert/strict';
import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { after, before, describe, it } from 'node:test';

import { TestCa, until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';

/** PeerAuthentication of the one service, with rules for single ports. */
function mode(main: string, ports: Readonly<Record<number, string>> = {}): string {
  const lines = Object.entries(ports).map(([port, each]) => `    ${port}: { mode: ${each} }`);
  const portLevel = lines.length === 0 ? '' : `  portLevelMtls:\n${lines.join('\n')}\n`;
  return `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: modes, namespace: default }
spec:
  selector: { matchLabels: { app: modes } }
  mtls: { mode: ${main} }
${portLevel}`;
}

interface Listening {
  readonly first: number;
  readonly second: number;
  readonly secure: number;
}

function allOf({ first, second, secure }: Listening): number[] {
  return [first, second, secure];
}

describe('plaintext and mutual TLS, as PeerAuthentication says', () => {
  let plane: ControlPlaneProcess;
  let server: Laboratory;
  let caller: Laboratory;
  let ca: TestCa;
  let ports: Listening;

  before(async () => {
    plane = await ControlPlaneProcess.start();
    await plane.apply(mode('STRICT'));
    [server, caller] = await Promise.all([
      Laboratory.start(plane, { serviceAccount: 'modes', service: 'modes' }),
      Laboratory.start(plane, { serviceAccount: 'caller' }),
    ]);
    const now = Date.now();
    ca = await TestCa.create('elsewhere.test', now);
    const { certPem, keyPem } = await ca.issue(now, { namespace: 'default', serviceAccount: 'application' });
    ports = await server.run(
      async ({ http, https, events }, tls: { cert: string; key: string }) => {
        const answer: import('node:http').RequestListener = (request, response) => {
          response.end(
            JSON.stringify({
              caller: request.headers['x-forwarded-client-cert'] ?? '',
              encrypted: Reflect.get(request.socket, 'encrypted') === true,
            }),
          );
        };
        const servers = [http.createServer(answer), http.createServer(answer), https.createServer(tls, answer)];
        const bound: number[] = [];
        for (const each of servers) {
          each.listen(0, '127.0.0.1');
          await events.once(each, 'listening');
          bound.push((each.address() as import('node:net').AddressInfo).port);
        }
        const [first = 0, second = 0, secure = 0] = bound;
        return { first, second, secure };
      },
      { cert: certPem, key: keyPem },
    );
    for (const port of allOf(ports)) await plane.registered('modes', port);
    await until('the caller to know all ports', async () => (await through(ports.secure)) === 'caller');
  });

  after(async () => {
    await Promise.all([server.kill(), caller.kill()]);
    await plane.stop();
  });

  /** Who the application saw behind a call of the mesh; or how it failed. */
  function through(port: number): Promise<string> {
    return caller.run(
      (_tools, to: number) =>
        fetch(`http://modes:${to}/`)
          .then(
            async (response) =>
              /sa\/(\w+)$/.exec(((await response.json()) as { caller: string }).caller)?.[1] ?? 'nobody',
          )
          .catch((error: Error) => String((error.cause as { code?: string }).code)),
      port,
    );
  }

  /** The same without the mesh: "nobody" when it is answered, else the error. */
  function outside(port: number, secure = false): Promise<string> {
    return new Promise((resolve) => {
      const tls = secure ? { ca: ca.rootPem, checkServerIdentity: () => undefined } : {};
      const start = secure ? tlsRequest : plainRequest;
      const request = start({ host: '127.0.0.1', port, agent: false, ...tls }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => {
          const seen = JSON.parse(body) as { caller: string; encrypted: boolean };
          assert.equal(seen.encrypted, secure);
          resolve(seen.caller === '' ? 'nobody' : seen.caller);
        });
      });
      request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      request.end();
    });
  }

  // The last one: under STRICT even a TLS server of the application answers with the certificate of the mesh.
  const REFUSED = /^(?:ECONNRESET|EPIPE|ERR_SSL\w*|EPROTO|UNABLE_TO_GET_ISSUER_CERT_LOCALLY)$/;

  it('STRICT: only the mesh gets in, on plain and on TLS servers', async () => {
    for (const port of allOf(ports)) assert.equal(await through(port), 'caller');
    for (const port of allOf(ports)) assert.match(await outside(port), REFUSED);
    assert.match(await outside(ports.secure, true), REFUSED);
  });

  it('PERMISSIVE: both on the same port, and only one of them has an identity', async () => {
    await plane.apply(mode('PERMISSIVE'));
    await until('plaintext to be let in', async () => (await outside(ports.first)) === 'nobody');
    const both = await Promise.all([
      through(ports.first),
      outside(ports.first),
      through(ports.first),
      outside(ports.first),
    ]);
    assert.deepEqual(both, ['caller', 'nobody', 'caller', 'nobody']);
    const records = await until('a record of each', async () => {
      const found = (await plane.records()).filter(
        (record) => record.reporter === 'destination' && record.upstream_host.endsWith(`:${ports.first}`),
      );
      return found.some((record) => record.tls_version === '') && found.some((record) => record.source_principal !== '')
        ? found
        : undefined;
    });
    for (const record of records)
      assert.equal(record.tls_version === '', record.source_principal === '', JSON.stringify(record));
  });

  it('PERMISSIVE: the application’s own TLS goes to the application, the mesh’s to the mesh, side by side', async () => {
    const calls = Array.from({ length: 20 }, (_, index) =>
      index % 2 === 0 ? through(ports.secure) : outside(ports.secure, true),
    );
    const seen = await Promise.all(calls);
    assert.deepEqual(new Set(seen.filter((_, index) => index % 2 === 0)), new Set(['caller']));
    assert.deepEqual(new Set(seen.filter((_, index) => index % 2 === 1)), new Set(['nobody']));
  });

  it('PERMISSIVE: nobody becomes somebody by a header', async () => {
    const answer = await fetch(`http://127.0.0.1:${ports.first}/`, {
      headers: { 'x-forwarded-client-cert': 'URI=spiffe://cluster.local/ns/default/sa/admin' },
    });
    assert.equal(((await answer.json()) as { caller: string }).caller, '');
  });

  it('portLevelMtls: each port by its own rule', async () => {
    await plane.apply(mode('STRICT', { [ports.second]: 'PERMISSIVE' }));
    await until('the first port to be closed to plaintext', async () => REFUSED.test(await outside(ports.first)));
    assert.equal(await outside(ports.second), 'nobody');
    assert.equal(await through(ports.second), 'caller');
    await plane.apply(mode('PERMISSIVE', { [ports.second]: 'STRICT' }));
    await until('the second port to be closed to plaintext', async () => REFUSED.test(await outside(ports.second)));
    assert.equal(await outside(ports.first), 'nobody');
    assert.equal(await through(ports.second), 'caller');
  });

  it('DISABLE: plaintext is let in, and a policy that asks who calls still finds nobody', async () => {
    await plane.apply(mode('DISABLE'));
    await until('plaintext to be let in', async () => (await outside(ports.second)) === 'nobody');
    await plane.apply(`apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: modes, namespace: default }
spec:
  selector: { matchLabels: { app: modes } }
  rules: [{ from: [{ source: { principals: ["*"] } }] }]
`);
    await until('plaintext to be denied', async () => (await fetch(`http://127.0.0.1:${ports.first}/`)).status === 403);
  });
});
