import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { TokenIssuer } from '../harness/issuer.ts';
import { Laboratory } from '../harness/laboratory.ts';
import { STRICT } from '../harness/policies.ts';
import { Workload } from '../harness/workload.ts';

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly challenge: string;
}

interface Echo {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: number;
}

describe('requests with tokens of end users', () => {
  let plane: ControlPlaneProcess;
  let issuer: TokenIssuer;
  let echo: Workload;
  let caller: Laboratory;

  before(async () => {
    issuer = await TokenIssuer.start();
    plane = await ControlPlaneProcess.start();
    await plane.apply(STRICT);
    echo = await Workload.start(plane, { script: 'echo.mjs', serviceAccount: 'echo', service: 'echo' });
    caller = await Laboratory.start(plane, { serviceAccount: 'caller' });
    await until('the caller to know echo', () =>
      caller.run(() => fetch('http://echo/').then((response) => response.ok)),
    );
  });

  after(async () => {
    await Promise.all([echo.kill(), caller.kill()]);
    await plane.stop();
    await issuer.goAway();
  });

  const rules = (rule: string): Promise<void> =>
    plane.apply(`apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: echo, namespace: default }
spec:
  selector: { matchLabels: { app: echo } }
  jwtRules: [${rule}]
`);

  async function get(token: string, path = '/', headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const authorization: Readonly<Record<string, string>> = token === '' ? {} : { authorization: `Bearer ${token}` };
    return caller.run(
      async (_tools, { path, sent }) => {
        const response = await fetch(`http://echo${path}`, { headers: sent });
        const challenge = response.headers.get('www-authenticate') ?? '';
        return { status: response.status, body: await response.text(), challenge };
      },
      { path, sent: { ...authorization, ...headers } },
    );
  }

  const seen = (answer: Answer): Echo => {
    assert.equal(answer.status, 200, answer.body);
    return JSON.parse(answer.body) as Echo;
  };

  const inForce = (): Promise<unknown> =>
    until('the rules to be in force', async () => (await get('junk')).status === 401);

  it('keys by address: good tokens pass, bad ones get Envoy’s 401, none passes too', async () => {
    await rules(`{ issuer: "${issuer.url}", jwksUri: "${issuer.jwksUri}", audiences: [api.example.com] }`);
    await inForce();
    const good = issuer.token({ aud: 'api.example.com' });
    assert.equal(seen(await get(good)).headers['authorization'], undefined);
    seen(await get(''));
    assert.deepEqual(await get(issuer.token({ aud: 'api.example.com', exp: 1 }), '/orders?x=1'), {
      status: 401,
      body: 'Jwt is expired',
      challenge: 'Bearer realm="http://echo/orders", error="invalid_token"',
    });
    assert.equal((await get(issuer.token())).body, 'Audiences in Jwt are not allowed');
    assert.equal((await get(issuer.token({ iss: 'x' }))).body, 'Jwt issuer is not configured');
    assert.equal((await get(issuer.token({}, { alg: 'none' }))).body, 'Jwt header [alg] is not supported');
  });

  it('the record says who it was, and holds no token', async () => {
    const token = issuer.token({ aud: 'api.example.com' });
    seen(await get('', `/recorded?access_token=${token}&x=1`));
    const record = await until('the record', async () =>
      (await plane.records()).find(
        ({ request_path, reporter }) => request_path.startsWith('/recorded') && reporter === 'destination',
      ),
    );
    assert.equal(record.jwt_principal, `${issuer.url}/alice`);
    assert.equal(record.request_path, '/recorded?access_token=[removed]&x=1');
  });

  it('claims reach the application in headers that nobody else can write', async () => {
    await rules(`{ issuer: "${issuer.url}", jwksUri: "${issuer.jwksUri}", forwardOriginalToken: true,
      outputPayloadToHeader: x-payload, outputClaimToHeaders: [{ header: X-User, claim: user.name }, { header: X-Admin, claim: admin }] }`);
    const token = issuer.token({ user: { name: 'alice' } });
    const forged = { 'X-User': 'mallory', 'x-admin': 'true', 'x-payload': 'forged' };
    const answer = await until('the new rules', async () => {
      const { headers } = seen(await get(token, '/', forged));
      return headers['x-user'] === 'alice' ? headers : undefined;
    });
    assert.equal(answer['x-admin'], undefined);
    assert.equal(answer['x-payload'], token.split('.')[1]);
    assert.equal(answer['authorization'], `Bearer ${token}`);
    const { headers } = seen(await get('', '/', forged));
    assert.deepEqual([headers['x-user'], headers['x-admin'], headers['x-payload']], [undefined, undefined, undefined]);
  });

  it('a new key is taken as soon as it is used', async () => {
    issuer.rotate();
    await until('the new key', async () => (await get(issuer.token())).status === 200);
  });

  describe('while the keys are on their way', () => {
    /** New rules, whose keys the issuer holds back; resolves once the data plane has asked for them. */
    async function heldBack(timeout: string): Promise<void> {
      const asked = issuer.asked.length;
      issuer.hold();
      await rules(`{ issuer: "${issuer.url}", jwksUri: "${issuer.jwksUri}", timeout: ${timeout} }`);
      await until('the data plane to ask for keys', () => Promise.resolve(issuer.asked.length > asked));
    }

    it('a request waits with its whole body, and nothing of it is lost', async () => {
      await heldBack('21s');
      await caller.run(async ({ http, events, kept }, token: string) => {
        const headers = { authorization: `Bearer ${token}` };
        const request = http.request('http://echo/upload', { method: 'POST', headers });
        for (let chunk = 0; chunk < 50; chunk += 1) request.write(Buffer.alloc(10_000, 'x'));
        kept['status'] = 0;
        kept['answer'] = new Promise<string>((resolve, reject) => {
          request.on('error', reject);
          request.on('response', (response) => {
            let text = '';
            kept['status'] = response.statusCode;
            response.on('data', (data: Buffer) => (text += data.toString()));
            response.on('end', () => resolve(text));
          });
        });
        request.end();
        await events.once(request, 'socket');
      }, issuer.token());
      seen(await get(''));
      assert.equal(await caller.run(({ kept }) => kept['status'] as number), 0);
      issuer.release();
      const answer = await caller.run(({ kept }) => kept['answer'] as Promise<string>);
      assert.equal((JSON.parse(answer) as Echo).bytes, 500_000);
    });

    it('a caller that goes away meanwhile is recorded, and the application never hears of it', async () => {
      await heldBack('22s');
      await caller.run(async ({ http, events, kept }, token: string) => {
        const request = http.get('http://echo/impatient', { headers: { authorization: `Bearer ${token}` } });
        request.on('error', () => {});
        kept['impatient'] = request;
        await events.once(request, 'finish');
      }, issuer.token());
      seen(await get(''));
      await caller.run(({ kept }) => {
        (kept['impatient'] as { destroy(): void }).destroy();
      });
      const record = await until('the record', async () =>
        (await plane.records()).find(
          ({ request_path, reporter }) => request_path === '/impatient' && reporter === 'destination',
        ),
      );
      issuer.release();
      assert.equal(record.response_code, 0);
      assert.equal(record.response_flags, 'DC');
      assert.match(record.reason, /went away/);
    });

    it('a policy that changes meanwhile is the one that judges', async () => {
      await heldBack('23s');
      const waiting = get(issuer.token(), '/waiting');
      await plane.apply(`apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: closed, namespace: default }
spec: { selector: { matchLabels: { app: echo } }, action: DENY, rules: [{ to: [{ operation: { paths: ["/waiting"] } }] }] }
`);
      await until('the new policy', async () => (await get('', '/waiting')).status === 403);
      issuer.release();
      assert.equal((await waiting).status, 403);
    });

    it('an upgrade waits too, with what was sent behind it', async () => {
      const service = await Laboratory.start(plane, { serviceAccount: 'sockets', service: 'sockets' });
      await service.run(async ({ http, events, kept }) => {
        const server = http.createServer();
        server.on('upgrade', (_request, socket, head: Buffer) => {
          socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n');
          socket.write(head);
          socket.pipe(socket);
        });
        server.listen(0, '127.0.0.1');
        await events.once(server, 'listening');
        kept['server'] = server;
      });
      await until('sockets to be registered', async () => (await plane.portsOf('sockets')).length === 1);
      const asked = issuer.asked.length;
      issuer.hold();
      await plane.apply(`apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: sockets, namespace: default }
spec: { selector: { matchLabels: { app: sockets } }, jwtRules: [{ issuer: "${issuer.url}" }] }
`);
      await until('its data plane to ask for keys', () => Promise.resolve(issuer.asked.length > asked));
      const upgrade = (token: string): Promise<string> =>
        caller.run(
          ({ net }, token: string) =>
            new Promise<string>((resolve) => {
              let text = '';
              const socket = net.connect({ host: 'sockets', port: 80 });
              socket.on('error', () => resolve('broken'));
              socket.on('close', () => resolve(text));
              socket.on('data', (data) => {
                text += data.toString('latin1');
                if (text.endsWith('ping')) socket.end();
              });
              const head = 'GET / HTTP/1.1\r\nhost: sockets\r\nconnection: upgrade\r\nupgrade: echo\r\n';
              socket.write(`${head}authorization: Bearer ${token}\r\n\r\nping`);
            }),
          token,
        );
      const waiting = upgrade(issuer.token());
      issuer.release();
      assert.match(await waiting, /^HTTP\/1\.1 101 [\s\S]*ping$/);
      assert.match(await upgrade(issuer.token({ exp: 1 })), /^HTTP\/1\.1 401 Unauthorized[\s\S]*Jwt is expired$/);
      await service.kill();
    });
  });

  it('discovery: an issuer says itself where its keys are', async () => {
    const asked = issuer.asked.length;
    await rules(`{ issuer: "${issuer.url}" }`);
    await until('discovery', () => Promise.resolve(issuer.asked.length >= asked + 2));
    assert.deepEqual(issuer.asked.slice(asked, asked + 2), [
      '/.well-known/openid-configuration',
      '/.well-known/jwks.json',
    ]);
    seen(await get(issuer.token()));
    assert.equal((await get(issuer.token({ exp: 1 }))).status, 401);
  });

  it('an issuer that is a service of the mesh is asked over mutual TLS', async () => {
    const auth = await Laboratory.start(plane, { serviceAccount: 'auth', service: 'auth' });
    await auth.run(async ({ http, events, kept }, jwks: string) => {
      const server = http.createServer((request, response) => {
        kept['caller'] = request.headers['x-forwarded-client-cert'];
        response.end(jwks);
      });
      server.listen(0, '127.0.0.1');
      await events.once(server, 'listening');
    }, issuer.jwks);
    await until('auth to be registered', async () => (await plane.portsOf('auth')).length === 1);
    await rules(`{ issuer: "${issuer.url}", jwksUri: "http://auth.default.svc/keys", audiences: [mesh] }`);
    await until('the new rules', async () => (await get(issuer.token())).status === 401);
    await until('the keys', async () => (await get(issuer.token({ aud: 'mesh' }))).status === 200);
    assert.match(await auth.run(({ kept }) => String(kept['caller'])), /URI=spiffe:.*\/sa\/echo$/);
    await auth.kill();
  });

  it('an issuer that is away: known keys serve; without any, tokens are refused and the rest passes', async () => {
    await rules(`{ issuer: "${issuer.url}" }`);
    await until('the keys', async () => (await get(issuer.token())).status === 200);
    await issuer.goAway();
    seen(await get(issuer.token({ sub: 'bob' })));
    await rules(`{ issuer: "${issuer.url}", jwksUri: "${issuer.url}/elsewhere" }`);
    const refused = await until('the new rules', async () => {
      const answer = await get(issuer.token());
      return answer.status === 401 ? answer : undefined;
    });
    assert.equal(refused.body, 'Jwks remote fetch is failed');
    seen(await get(''));
    await issuer.comeBack();
  });

  it('without rules tokens are nobody’s business', async () => {
    await plane.admin.deleteResource({ kind: 'RequestAuthentication', namespace: 'default', name: 'echo' });
    await until('the rules to be gone', async () => (await get('junk')).status === 200);
    assert.equal(seen(await get('junk')).headers['authorization'], 'Bearer junk');
  });
});
