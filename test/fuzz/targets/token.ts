import assert from 'node:assert/strict';

import { isSignatureAlgorithm, timeProblem } from '@rampart/core';

import { parseToken } from '../../../packages/mesh/src/inbound/authenticate/token/parse.ts';
import { textOf, type FuzzTarget } from '../engine/target.ts';

const HEADER = '{"alg":"RS256","kid":"one","typ":"JWT"}';
const PAYLOAD =
  '{"iss":"https://issuer","sub":"user","aud":["a","b"],"exp":1795000000,"nbf":1,"iat":1,"scope":"read write","deep":{"a":[1,"x"]}}';

/** Header, payload and signature of a token on three lines; what begins with "{" is encoded before it is read. */
export const token: FuzzTarget = {
  name: 'token',
  form: 'text',
  seeds: [
    `${HEADER}\n${PAYLOAD}\nc2ln`,
    `{"alg":"ES256"}\n{"iss":"i","aud":"a"}\nc2ln`,
    `{"alg":"none"}\n{}\n`,
    'eyJhbGciOiJSUzI1NiJ9\neyJpc3MiOiJpIn0\nc2ln\nmore',
    `{"alg":"HS256","jwk":{},"jku":"https://evil","x5u":"x","crit":["exp"]}\n{"exp":"1","iss":["i"]}\nc2ln`,
    `{"alg":"RS256","alg":"none"}\n{"exp":1,"exp":9e99}\nc2ln`,
  ],
  words: [
    '"alg":',
    '"none"',
    '"kid":',
    '"crit":[]',
    '"iss":',
    '"sub":',
    '"aud":',
    '"exp":',
    '"nbf":',
    '1e400',
    '-1',
    '1.5',
    'null',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '.',
    '=',
    '+',
    '/',
    '\\u0061',
    '\\u0000',
    '"__proto__":',
    '\ufeff',
    '\n',
    ' ',
    '"typ":"dpop+jwt"',
  ],
  run: (input) => {
    const parts = textOf(input).split('\n');
    const text = parts.map((part) => (part.startsWith('{') ? Buffer.from(part).toString('base64url') : part)).join('.');
    const parsed = parseToken(text);
    if (!parsed.ok) return parsed.problem;
    const [header, claims] = text.split('.', 2).map((part) => {
      const bytes = Buffer.from(part, 'base64url');
      assert.equal(bytes.toString('base64url'), part, 'a part with two encodings');
      return JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
    });
    const { value } = parsed;
    assert.equal(text.split('.').length, 3);
    assert.ok(isSignatureAlgorithm(value.algorithm) && value.algorithm === header?.['alg'], 'another algorithm');
    assert.deepEqual(value.claims, claims, 'other claims');
    assert.equal(value.issuer, claims?.['iss'] ?? '');
    assert.equal(value.subject, claims?.['sub'] ?? '');
    assert.ok(
      header !== undefined && members(text.split('.', 1)[0] ?? '') === countMembers(header),
      'a member of the header counts twice',
    );
    assert.ok(members(value.payload) === countMembers(claims), 'a claim counts twice');
    return `read ${String(timeProblem(value, Date.UTC(2026, 10, 21), 60))}`;
  },
};

/** Members as they are written, names that are repeated too: colons outside of texts. */
function members(part: string): number {
  const json = Buffer.from(part, 'base64url').toString('utf8');
  return json.replaceAll(/"(?:[^"\\]|\\.)*"/g, '').split(':').length - 1;
}

function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce((sum: number, member) => sum + countMembers(member), own);
}
