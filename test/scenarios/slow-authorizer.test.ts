import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { TokenIssuer } from '../harness/issuer.ts';
import { Laboratory } from '../harness/laboratory.ts';
import { STRICT } from '../harness/policies.ts';
import { Workload } from '../harness/workload.ts';

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Says yes to everything that it is asked, when it is told to. */
class SlowAuthorizer {
  readonly server: Server;
  readonly asked: IncomingHttpHeaders[] = [];
  /** A token that it gives to whom it lets pass. */
  grants = '';
  #gate: Promise<void> = Promise.resolve();
  #release = (): void => {};

  constructor() {
    this.server = createServer((request, response) => {
      this.asked.push(request.headers);
      void this.#gate.then(() => {
        if (this.grants !== '') response.setHeader('authorization', `Bearer ${this.grants}`);
        response.end();
      });
    });
  }

  hold(): void {
    this.#gate = new Promise((resolve) => (this.#release = resolve));
  }

  release(): void {
    this.#release();
    this.#gate = Promise.resolve();
  }
}

describe('while an external authorizer thinks', () => {
  const authorizer = new SlowAuthorizer();
  let plane: ControlPlaneProcess;
  let issuer: TokenIssuer;
  let echo: Workload;
  let caller: Laboratory;

  const tokens = (rule: string): string => `apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: echo, namespace: default }
spec:
  selector: { matchLabels: { app: echo } }
  jwtRules: [{ issuer: "${issuer.url}", jwks: '${issuer.jwks}', ${rule} }]
`;

  before(async () => {
    issuer = await TokenIssuer.start();
    authorizer.server.listen(0, '127.0.0.1');
    await once(authorizer.server, 'listening');
    const { port } = authorizer.server.address() as AddressInfo;
    plane = await ControlPlaneProcess.start();
    await plane.apply(`${STRICT}---
apiVersion: rampart.dev/v1
kind: MeshConfig
metadata: { name: default, namespace: istio-system }
spec:
  extensionProviders:
  - name: slow
    envoyExtAuthzHttp: { service: 127.0.0.1, port: ${port}, includeRequestHeadersInCheck: [authorization, x-user], headersToUpstreamOnAllow: [authorization] }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: slow, namespace: default }
spec:
  selector: { matchLabels: { app: echo } }
  action: CUSTOM
  provider: { name: slow }
  rules: [{ to: [{ operation: { paths: ["/guarded/*"] } }] }]
---
${tokens('audiences: [api], outputClaimToHeaders: [{ header: x-user, claim: sub }]')}`);
    echo = await Workload.start(plane, { script: 'echo.mjs', serviceAccount: 'echo', service: 'echo' });
    caller = await Laboratory.start(plane, { serviceAccount: 'caller' });
    await until('the caller to know echo', () =>
      caller.run(() => fetch('http://echo/').then((response) => response.ok)),
    );
  });

  beforeEach(() => {
    authorizer.asked.length = 0;
    authorizer.grants = '';
  });

  after(async () => {
    await Promise.all([echo.kill(), caller.kill()]);
    await plane.stop();
    await issuer.goAway();
    authorizer.server.closeAllConnections();
    authorizer.server.close();
  });

  function get(path: string, token = '', more: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const headers = token === '' ? more : { ...more, authorization: `Bearer ${token}` };
    return caller.run(
      async (_tools, { path, headers }) => {
        const response = await fetch(`http://echo${path}`, { headers });
        return { status: response.status, body: await response.text() };
      },
      { path, headers },
    );
  }

  const isAsked = (): Promise<unknown> =>
    until('the authorizer to be asked', () => Promise.resolve(authorizer.asked.length > 0));

  it('it is asked before tokens are verified: it sees the one that was sent, and no claims that anybody made up', async () => {
    const token = issuer.token({ aud: 'api' });
    assert.equal((await get('/guarded/a', token, { 'x-user': 'mallory' })).status, 200);
    assert.equal(authorizer.asked[0]?.['authorization'], `Bearer ${token}`);
    assert.equal(authorizer.asked[0]?.['x-user'], undefined);
  });

  it('a request that it lets pass with a bad token is refused all the same', async () => {
    assert.equal((await get('/guarded/a', issuer.token({ aud: 'other' }))).status, 401);
    assert.equal(authorizer.asked.length, 1);
  });

  it('a token that it gives is verified, and says who the end user is', async () => {
    authorizer.grants = issuer.token({ aud: 'api' });
    const { status, body } = await get('/guarded/login');
    assert.equal(status, 200, body);
    const { headers } = JSON.parse(body) as { headers: Readonly<Record<string, string>> };
    assert.deepEqual([headers['x-user'], headers['authorization']], ['alice', undefined]);
    authorizer.grants = issuer.token({ aud: 'other' });
    assert.equal((await get('/guarded/login')).status, 401);
  });

  it('a caller that goes away is recorded, and the application never hears of it', async () => {
    authorizer.hold();
    await caller.run(({ http, kept }) => {
      const request = http.get('http://echo/guarded/impatient');
      request.on('error', () => {});
      kept['request'] = request;
    });
    await isAsked();
    await caller.run(({ kept }) => {
      (kept['request'] as { destroy(): void }).destroy();
    });
    const record = await until('the record', async () =>
      (await plane.records()).find(
        ({ request_path, reporter }) => request_path === '/guarded/impatient' && reporter === 'destination',
      ),
    );
    assert.deepEqual([record.response_code, record.response_flags], [0, 'DC']);
    authorizer.release();
  });

  it('a new DENY policy counts', async () => {
    authorizer.hold();
    const waiting = get('/guarded/late');
    await isAsked();
    await plane.apply(`apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: late, namespace: default }
spec: { selector: { matchLabels: { app: echo } }, action: DENY, rules: [{ to: [{ operation: { paths: ["/guarded/late", "/late"] } }] }] }
`);
    await until('the new policy', async () => (await get('/late')).status === 403);
    authorizer.release();
    assert.equal((await waiting).status, 403);
  });

  it('new rules about tokens judge the token again, as it came', async () => {
    authorizer.hold();
    const token = issuer.token({ aud: 'api', name: 'Alice' });
    const waiting = get('/guarded/again', token);
    await isAsked();
    await plane.apply(tokens('audiences: [api], outputClaimToHeaders: [{ header: x-name, claim: name }]'));
    await until('the new rules', async () => (await get('/', token)).body.includes('"x-name":"Alice"'));
    authorizer.release();
    const { status, body } = await waiting;
    assert.equal(status, 200, body);
    const { headers } = JSON.parse(body) as { headers: Readonly<Record<string, string>> };
    assert.deepEqual([headers['x-name'], headers['x-user'], headers['authorization']], ['Alice', undefined, undefined]);
    assert.equal(authorizer.asked.length, 2);
  });

  it('a token that they do not accept any more is refused', async () => {
    authorizer.hold();
    const waiting = get('/guarded/again', issuer.token({ aud: 'api' }));
    await isAsked();
    await plane.apply(tokens('audiences: [other]'));
    await until('the new rules', async () => (await get('/', issuer.token({ aud: 'api' }))).status === 401);
    authorizer.release();
    assert.equal((await waiting).status, 401);
  });
});
