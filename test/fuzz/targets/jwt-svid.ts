import assert from 'node:assert/strict';

import { parseJwtSvid } from '@rampart/spiffe';

import { textOf, type FuzzTarget } from '../engine/target.ts';

const HEADER = '{"alg":"ES256","kid":"one","typ":"JWT"}';
const PAYLOAD =
  '{"sub":"spiffe://cluster.local/ns/a/sa/b","aud":["a","b"],"exp":1795000000,"iat":1,"nbf":1,"jti":"x","iss":"i"}';
const HEADERS: ReadonlySet<string> = new Set(['alg', 'kid', 'typ']);

/** Header, payload and signature of a JWT-SVID on three lines; what begins with "{" is encoded before it is read. */
export const jwtSvid: FuzzTarget = {
  name: 'jwt-svid',
  form: 'text',
  seeds: [
    `${HEADER}\n${PAYLOAD}\nc2ln`,
    '{"alg":"RS512"}\n{"sub":"spiffe://td/a","aud":"a","exp":1}\nc2ln',
    '{"alg":"none"}\n{}\n',
    'eyJhbGciOiJFUzI1NiJ9\neyJzdWIiOiJpIn0\nc2ln\nmore',
    '{"alg":"ES256","jku":"https://evil","crit":["exp"]}\n{"sub":"spiffe://TD/a"}\nc2ln',
    '{"alg":"ES256","alg":"none"}\n{"exp":1,"exp":9e99}\nc2ln',
  ],
  words: [
    '"alg":',
    '"none"',
    '"HS256"',
    '"PS384"',
    '"kid":',
    '"typ":"JOSE"',
    '"typ":"wit+jwt"',
    '"sub":',
    '"aud":',
    '[]',
    '""',
    '"exp":',
    '"nbf":',
    'spiffe://',
    '/../',
    '%61',
    '1e400',
    '-1',
    '1.5',
    'null',
    '{',
    '}',
    ',',
    '.',
    '=',
    '\\u0061',
    '"__proto__":',
    '\ufeff',
    '\n',
  ],
  run: (input) => {
    const parts = textOf(input).split('\n');
    const token = parts
      .map((part) => (part.startsWith('{') ? Buffer.from(part).toString('base64url') : part))
      .join('.');
    const parsed = parseJwtSvid(token);
    if (!parsed.ok) return parsed.problem.code + parsed.problem.message.replaceAll(/"[^"]*"/g, '').slice(0, 40);
    const { spiffeId, audience, expiresAt, claims, algorithm } = parsed.value;
    const [header, payload] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString('utf8'));
    const head = JSON.parse(header ?? '') as Readonly<Record<string, unknown>>;
    assert.deepEqual(claims, JSON.parse(payload ?? ''), 'other claims');
    assert.ok(
      Object.keys(head).every((name) => HEADERS.has(name)),
      'a header that has no place',
    );
    assert.equal(algorithm, head['alg']);
    assert.equal(spiffeId.toString(), claims['sub']);
    assert.ok(audience.length > 0 && audience.every((name) => name !== ''));
    assert.ok(Number.isFinite(expiresAt) || expiresAt === Infinity);
    return `read ${algorithm} ${Math.min(audience.length, 2)} ${String(parsed.value.notBefore !== undefined)}`;
  },
};
