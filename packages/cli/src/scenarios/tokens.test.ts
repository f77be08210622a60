import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { type Outcome, runIn, type ScenarioMesh, startScenarioMesh } from './mesh.ts';

const HOUR_S = 3600;

interface Issuer {
  readonly jwk: JWK;
  sign(claims: Readonly<Record<string, unknown>>, expiresIn?: number): Promise<string>;
}

async function makeIssuer(): Promise<Issuer> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  return {
    jwk: { ...(await exportJWK(publicKey)), kid: 'a', alg: 'ES256', use: 'sig' },
    sign: (claims, expiresIn = HOUR_S) =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'a' })
        .setExpirationTime(Math.floor(Date.now() / 1000) + expiresIn)
        .sign(privateKey),
  };
}

const policiesOf = (rule: object): string => `apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: users, namespace: shop }
spec: { selector: { matchLabels: { app: orders } }, jwtRules: [${JSON.stringify(rule)}] }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: admins, namespace: shop }
spec:
  selector: { matchLabels: { app: orders } }
  rules:
    - from: [{ source: { requestPrincipals: ["https://auth.example/*"] } }]
      when: [{ key: "request.auth.claims[groups]", values: [admin] }]
`;
const SCOPES = (jwks: string): string => `apiVersion: rampart.dev/v1
kind: ServiceTokenPolicy
metadata: { name: scopes, namespace: shop }
spec:
  issuer: https://auth.example
  audience: service:orders
  jwks: '${jwks}'
  rules:
    - { methods: [GET], scopes: [orders.read] }
`;
const ANN = { iss: 'https://auth.example', sub: 'ann', groups: ['admin', 'users'] };

suite('authz check with a token', () => {
  let folder: string;
  let issuer: Issuer;
  let keys: Server;
  let mesh: ScenarioMesh;
  const write = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);
  const check = (words: string, stdin?: string): Promise<Outcome> =>
    runIn(['authz', 'check', '--to', 'orders.shop', ...words.split(' ')], {
      workingDirectory: folder,
      now: Date.now,
      ...(stdin === undefined ? {} : { stdin }),
    });

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rampart-tokens-'));
    issuer = await makeIssuer();
    const jwks = JSON.stringify({ keys: [issuer.jwk] });
    keys = createServer((_, response) => response.end(jwks));
    await new Promise<void>((resolve) => {
      keys.listen(0, '127.0.0.1', resolve);
    });
    const { port } = keys.address() as AddressInfo;
    const rule = { issuer: 'https://auth.example' };
    await write('inline.yaml', policiesOf({ ...rule, jwks }));
    await write('remote.yaml', policiesOf({ ...rule, jwksUri: `http://127.0.0.1:${port}/keys` }));
    await write('away.yaml', policiesOf({ ...rule, jwksUri: 'http://127.0.0.1:1/keys' }));
    await write('scopes.yaml', SCOPES(jwks));
    await write('ann.jwt', `${await issuer.sign(ANN)}\n`);
    mesh = await startScenarioMesh(Date.now);
  });
  after(async () => {
    keys.close();
    await rm(folder, { recursive: true });
    assert.equal(await mesh.stop(), 0);
  });

  test('verifies it with the keys of the rule, or with those that it finds at their address', async () => {
    for (const file of ['inline.yaml', 'remote.yaml']) {
      const { code, stdout } = await check(`-f ${file} --jwt @ann.jwt`);
      assert.equal(code, 0, stdout);
      assert.match(stdout, /^ALLOW /);
      assert.match(
        stdout,
        /\n {2}token {3}https:\/\/auth\.example\/ann, signature verified: with the keys of RequestAuthentication shop\/users\n$/,
      );
    }
  });

  test('says plainly when a signature was not checked', async () => {
    const { code, stdout } = await check('-f away.yaml --jwt @ann.jwt');
    assert.equal(code, 0);
    assert.match(stdout, /signature not checked: RequestAuthentication shop\/users: .* cannot be reached from here\n$/);
    const claims = await check(
      '-f away.yaml --claim iss=https://auth.example --claim sub=ann --claim groups=["admin"]',
    );
    assert.equal(claims.code, 0, claims.stdout + claims.stderr);
    assert.match(claims.stdout, /signature not checked: only claims were given\n$/);
  });

  test('denies a token of other keys, an expired one, and one without the claim', async () => {
    const cases: readonly (readonly [token: string, reason: RegExp])[] = [
      [await (await makeIssuer()).sign(ANN), /401, RequestAuthentication: Jwt verification fails/],
      [await issuer.sign(ANN, -HOUR_S), /401, RequestAuthentication: Jwt is expired/],
      [await issuer.sign({ ...ANN, groups: ['users'] }), /no ALLOW rule matched/],
      [
        await issuer.sign({ ...ANN, iss: 'https://evil.example' }),
        /401, RequestAuthentication: Jwt issuer is not configured/,
      ],
    ];
    for (const [token, reason] of cases) {
      const { code, stdout } = await check('-f inline.yaml --jwt @- -o json', token);
      assert.equal(code, 1);
      const { decision, reason: said } = JSON.parse(stdout) as { readonly decision: string; readonly reason: string };
      assert.equal(decision, 'DENY');
      assert.match(said, reason);
      assert.equal(stdout.includes(token), false);
    }
  });

  test('denies a token that says it needs no signature', async () => {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const { code, stdout } = await check('-f inline.yaml --jwt @-', `${part({ alg: 'none' })}.${part(ANN)}.`);
    assert.equal(code, 1);
    assert.match(stdout, /401, RequestAuthentication: Jwt header \[alg\] is not supported/);
  });

  test('never takes a token on the command line, nor prints what is none', async () => {
    const token = await issuer.sign(ANN);
    const given = await check(`-f inline.yaml --jwt ${token}`);
    assert.equal(given.code, 2);
    assert.match(
      given.stderr,
      /a token is a secret and has no place on the command line: write @FILE, or @- to read it/,
    );
    const none = await check('-f inline.yaml --jwt @-', 'hunter2-hunter2');
    assert.equal(none.code, 2);
    assert.match(none.stderr, /standard input holds no token/);
    assert.doesNotMatch(none.stdout + none.stderr, /hunter2/);
    assert.equal((given.stdout + given.stderr).includes(token), false);
  });

  test('checks scopes of tokens between services, in the order of the data plane', async () => {
    const service = { iss: 'https://auth.example', sub: 'service:users', aud: 'service:orders', scope: 'orders.read' };
    const cases: readonly (readonly [claims: object | undefined, reason: RegExp | undefined])[] = [
      [service, undefined],
      [undefined, /401, ServiceTokenPolicy: the request has no token/],
      [{ ...service, aud: 'service:other' }, /401, ServiceTokenPolicy: Invalid audience/],
      [{ ...service, scope: 'orders.write' }, /403, ServiceTokenPolicy: Insufficient scope/],
    ];
    for (const [claims, reason] of cases) {
      const { code, stdout } =
        claims === undefined
          ? await check('-f scopes.yaml')
          : await check('-f scopes.yaml --jwt @-', await issuer.sign({ ...claims }));
      assert.equal(code, reason === undefined ? 0 : 1, stdout);
      if (reason !== undefined) assert.match(stdout, reason);
    }
  });

  test('asks the running mesh the same', async () => {
    await mesh.run(['apply', '-f', join(folder, 'inline.yaml')]);
    const ask = (jwt: string): Promise<Outcome> =>
      mesh.run(['authz', 'check', '--to', 'orders.shop', '--jwt', '@-', '-o', 'json'], { stdin: jwt });
    const allowed = JSON.parse((await ask(await issuer.sign(ANN))).stdout) as Record<string, unknown>;
    assert.deepEqual([allowed['decision'], allowed['policy']], ['ALLOW', 'shop/admins']);
    assert.deepEqual(allowed['token'], {
      issuer: 'https://auth.example',
      subject: 'ann',
      signature: 'verified',
      detail: 'with the keys of RequestAuthentication shop/users',
    });
    const denied = await ask(await (await makeIssuer()).sign(ANN));
    assert.equal(denied.code, 1);
    assert.match(denied.stdout, /"signature": "wrong"/);
  });
});
