import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, suite, test } from 'node:test';
import { type ScenarioMesh, startScenarioMesh } from './mesh.ts';

const PROGRAM = join(import.meta.dirname, '../main.ts');
const ISSUER = 'https://issuer.example';
const PARTNER = 'https://partner.example';
const NOW = Math.floor(Date.now() / 1000);

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const evil = generateKeyPairSync('rsa', { modulusLength: 2048 });
const partner = generateKeyPairSync('rsa', { modulusLength: 2048 });
const edwards = generateKeyPairSync('ed25519');
const secret = Buffer.alloc(32, 's');

const jwkOf = (key: KeyObject, more: object): object => ({ ...key.export({ format: 'jwk' }), ...more });
const KEYS = [
  jwkOf(rsa.publicKey, { kid: 'rsa' }),
  jwkOf(edwards.publicKey, { kid: 'ed' }),
  { kty: 'oct', k: secret.toString('base64url'), kid: 'secret', alg: 'HS256' },
];

const encode = (part: object | string): string =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');

interface Parts {
  readonly head?: object | string;
  readonly key?: KeyObject;
}

/** A token of these claims, as an object or exactly as written, signed with RS256 unless the header says otherwise. */
function tokenOf(
  claims: object | string,
  { head = { alg: 'RS256', kid: 'rsa' }, key = rsa.privateKey }: Parts = {},
): string {
  const signed = `${encode(head)}.${encode(claims)}`;
  const digest = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  return `${signed}.${sign(digest, Buffer.from(signed), key).toString('base64url')}`;
}

function macOf(claims: object, head: object, key: string | Buffer): string {
  const signed = `${encode(head)}.${encode(claims)}`;
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}

const ANN = { iss: ISSUER, sub: 'ann', aud: 'api', exp: NOW + 600 };
const WEB = { iss: ISSUER, sub: 'service:web', aud: 'service:orders', exp: NOW + 600, scope: 'orders.read' };

/** Rules of two issuers, and two of the same issuer with keys and audiences of their own. */
const POLICIES = `apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: users, namespace: default }
spec:
  selector: { matchLabels: { app: users } }
  jwtRules:
    - { issuer: "${ISSUER}", audiences: [api], jwks: '${JSON.stringify({ keys: KEYS })}' }
    - { issuer: "${PARTNER}", audiences: [one], jwks: '${JSON.stringify({ keys: [jwkOf(rsa.publicKey, {})] })}' }
    - { issuer: "${PARTNER}", audiences: [two], jwks: '${JSON.stringify({ keys: [jwkOf(partner.publicKey, {})] })}' }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: users, namespace: default }
spec:
  selector: { matchLabels: { app: users } }
  rules: [{ from: [{ source: { requestPrincipals: ["*"] } }] }]
---
apiVersion: rampart.dev/v1
kind: ServiceTokenPolicy
metadata: { name: orders, namespace: default }
spec:
  selector: { matchLabels: { app: orders } }
  issuer: "${ISSUER}"
  audience: service:orders
  jwks: '${JSON.stringify({ keys: KEYS })}'
  rules: [{ methods: [GET], scopes: [orders.read] }]
`;

const pem = String(rsa.publicKey.export({ format: 'pem', type: 'spki' }));
const RS256 = { alg: 'RS256', kid: 'rsa' };
const forged = { key: evil.privateKey };

const TOKENS: readonly (readonly [fact: string, service: 'users' | 'orders', token: string, live: string])[] = [
  ['a good token', 'users', tokenOf(ANN), '200'],
  ['one without kid', 'users', tokenOf(ANN, { head: { alg: 'RS256' } }), '200'],
  ['EdDSA', 'users', tokenOf(ANN, { head: { alg: 'EdDSA', kid: 'ed' }, key: edwards.privateKey }), '200'],
  ['HS256 by a secret of the rule', 'users', macOf(ANN, { alg: 'HS256', kid: 'secret' }, secret), '200'],
  [
    'the second rule of an issuer',
    'users',
    tokenOf({ ...ANN, iss: PARTNER, aud: 'two' }, { head: { alg: 'RS256' }, key: partner.privateKey }),
    '200',
  ],
  [
    'a key of one rule with the audience of another',
    'users',
    tokenOf({ ...ANN, iss: PARTNER, aud: 'one' }, { head: { alg: 'RS256' }, key: partner.privateKey }),
    '401 Audiences in Jwt are not allowed',
  ],
  ['20 seconds too old', 'users', tokenOf({ ...ANN, exp: NOW - 20 }), '200'],
  ['without subject', 'users', tokenOf({ ...ANN, sub: undefined }), '403 RBAC: access denied'],
  ['alg none', 'users', `${encode({ alg: 'none' })}.${encode(ANN)}.AAAA`, '401 Jwt header [alg] is not supported'],
  [
    'a public key for a secret',
    'users',
    macOf(ANN, { alg: 'HS256', kid: 'rsa' }, pem),
    "401 Jwks doesn't have key to match kid or alg from Jwt",
  ],
  [
    'a key of its own',
    'users',
    tokenOf(ANN, { head: { alg: 'RS256', jwk: evil.publicKey.export({ format: 'jwk' }) }, ...forged }),
    '401 Jwt verification fails',
  ],
  [
    'keys at an address of its own',
    'users',
    tokenOf(ANN, { head: { ...RS256, jku: 'http://127.0.0.1:9/' }, ...forged }),
    '401 Jwt verification fails',
  ],
  [
    'a kid that is a path',
    'users',
    tokenOf(ANN, { head: { alg: 'RS256', kid: '../../../dev/null' } }),
    "401 Jwks doesn't have key to match kid or alg from Jwt",
  ],
  [
    'a kid that is no text',
    'users',
    tokenOf(ANN, { head: { alg: 'RS256', kid: 1 } }),
    '401 Jwt header [kid] field is not a string',
  ],
  ['crit', 'users', tokenOf(ANN, { head: { ...RS256, crit: ['exp'] } }), '401 Jwt header [crit] is not supported'],
  [
    'another kind of token',
    'users',
    tokenOf(ANN, { head: { ...RS256, typ: 'logout+jwt' } }),
    '401 Jwt header [typ] is that of another kind of token',
  ],
  ['alg twice', 'users', tokenOf(ANN, { head: '{"alg":"none","alg":"RS256"}' }), '401 Jwt header is an invalid JSON'],
  [
    'iss twice',
    'users',
    tokenOf(`{"iss":"x","iss":"${ISSUER}","sub":"ann","aud":"api"}`),
    '401 Jwt payload is an invalid JSON',
  ],
  [
    'exp as text',
    'users',
    tokenOf({ ...ANN, exp: String(NOW + 600) }),
    '401 Jwt payload [exp] field is not an integer',
  ],
  ['aud null', 'users', tokenOf({ ...ANN, aud: null }), '401 Jwt payload [aud] field is not a string or string list'],
  ['sub that is a number', 'users', tokenOf({ ...ANN, sub: 7 }), '401 Jwt payload [sub] field is not a string'],
  ['expired', 'users', tokenOf({ ...ANN, exp: NOW - 100 }), '401 Jwt is expired'],
  ['expired, and of another key', 'users', tokenOf({ ...ANN, exp: NOW - 100 }, forged), '401 Jwt is expired'],
  ['not yet valid', 'users', tokenOf({ ...ANN, nbf: NOW + 600 }), '401 Jwt not yet valid'],
  ['another issuer', 'users', tokenOf({ ...ANN, iss: 'https://evil.example' }), '401 Jwt issuer is not configured'],
  ['padding', 'users', `${tokenOf(ANN)}=`, '401 Jwt signature is an invalid Base64url encoded'],
  ['a good token between services', 'orders', tokenOf(WEB), '200'],
  ['1: signature, before expiry', 'orders', tokenOf({ ...WEB, exp: 1 }, forged), '401 Jwt verification fails'],
  ['2: expiry, without grace', 'orders', tokenOf({ ...WEB, exp: NOW - 20, aud: 'x' }), '401 Token expired'],
  ['2: no end', 'orders', tokenOf({ ...WEB, exp: undefined }), '401 Token expired'],
  ['3: audience', 'orders', tokenOf({ ...WEB, aud: 'service:users', scope: '' }), '401 Invalid audience'],
  ['4: scope', 'orders', tokenOf({ ...WEB, scope: 'orders.write' }), '403 Insufficient scope'],
  [
    'iss twice between services',
    'orders',
    tokenOf(`{"iss":"x","iss":"${ISSUER}","aud":"service:orders","exp":${NOW + 600},"scope":"orders.read"}`),
    '401 Jwt payload is an invalid JSON',
  ],
];

/** How `authz check` puts what a data plane answers. */
function reasonFor(service: 'users' | 'orders', live: string): string {
  if (live === '200') return '';
  if (live === '403 RBAC: access denied') return 'no ALLOW rule matched';
  const kind = service === 'users' ? 'RequestAuthentication' : 'ServiceTokenPolicy';
  return `${live.slice(0, 3)}, ${kind}: ${live.slice(4)}`;
}

const SERVICE = `import { createServer } from 'node:http';
createServer((_, response) => response.end('in')).listen(0, '127.0.0.1', () => console.log('listens'));
`;
const CALLER = `import { readFileSync } from 'node:fs';
const answers = [];
for (const [service, token] of JSON.parse(readFileSync('calls.json', 'utf8'))) {
  const response = await fetch('http://' + service + '/', { headers: { authorization: 'Bearer ' + token } });
  answers.push(response.ok ? String(response.status) : response.status + ' ' + (await response.text()));
}
console.log(JSON.stringify(answers));
`;

suite('authz check --jwt says what the data plane answers', () => {
  let mesh: ScenarioMesh;
  let answers: readonly string[];
  const services: ChildProcess[] = [];

  const run = (...words: readonly string[]): ChildProcess => {
    const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` };
    return spawn(process.execPath, [PROGRAM, 'run', ...words], {
      cwd: mesh.folder,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  };

  before(async () => {
    mesh = await startScenarioMesh(Date.now);
    const write = (name: string, content: string): Promise<void> => writeFile(join(mesh.folder, name), content);
    await write('policies.yaml', POLICIES);
    await write('service.mjs', SERVICE);
    await write('caller.mjs', CALLER);
    await write('calls.json', JSON.stringify(TOKENS.map(([, service, token]) => [service, token])));
    assert.equal((await mesh.run(['apply', '-f', 'policies.yaml'])).code, 0);
    for (const name of ['users', 'orders']) {
      const service = run('--service', name, '--', 'node', 'service.mjs');
      services.push(service);
      if (service.stdout !== null) await once(service.stdout, 'data');
    }
    const caller = run('--service-account', 'web', '--', 'node', 'caller.mjs');
    answers = JSON.parse(caller.stdout === null ? '' : await text(caller.stdout)) as string[];
  });
  after(async () => {
    for (const service of services) service.kill('SIGTERM');
    for (const service of services)
      if (service.exitCode === null && service.signalCode === null) await once(service, 'exit');
    assert.equal(await mesh.stop(), 0);
  });

  for (const [index, [fact, service, token, live]] of TOKENS.entries()) {
    test(`${service}: ${fact}: ${live}`, async () => {
      assert.equal(answers[index], live);
      const words = ['authz', 'check', '--from', 'default/web', '--to', service, '--jwt', '@-', '-o', 'json'];
      for (const source of [[], ['-f', 'policies.yaml']]) {
        const { code, stdout } = await mesh.run([...words, ...source], { stdin: token });
        const { decision, reason } = JSON.parse(stdout) as { readonly decision: string; readonly reason: string };
        assert.deepEqual([code, decision], live === '200' ? [0, 'ALLOW'] : [1, 'DENY'], reason);
        assert.ok(reason.startsWith(reasonFor(service, live)), reason);
      }
    });
  }
});
