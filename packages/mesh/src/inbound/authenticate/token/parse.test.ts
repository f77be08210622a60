import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { MAX_TOKEN_LENGTH } from '@rampart/core';

import { encode, hmacToken, TestIssuer } from '../issuer.fixture.ts';
import { parseToken } from './parse.ts';

const issuer = new TestIssuer('https://acme.example');
const good = issuer.token();
const [header = '', payload = '', signature = ''] = good.split('.');
const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1');

describe('hostile tokens are refused before any key is looked at', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['nothing', '', 'Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections'],
    [
      'two sections',
      `${header}.${payload}`,
      'Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections',
    ],
    [
      'five sections: encrypted',
      `${good}.a.b`,
      'Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections',
    ],
    ['oversized', `${header}.${'a'.repeat(MAX_TOKEN_LENGTH)}.${signature}`, 'Jwt is too large'],
    ['header with padding', `${header}=.${payload}.${signature}`, 'Jwt header is an invalid Base64url encoded'],
    ['header in plain base64', `${header}+/.${payload}.${signature}`, 'Jwt header is an invalid Base64url encoded'],
    [
      'header with spare bits',
      `${encode('{}').slice(0, -1)}1.${payload}.${signature}`,
      'Jwt header is an invalid Base64url encoded',
    ],
    ['header with space', ` ${good}`, 'Jwt header is an invalid Base64url encoded'],
    ['header that is no JSON', `${encode('alg')}.${payload}.${signature}`, 'Jwt header is an invalid JSON'],
    ['header that is a list', `${encode('[]')}.${payload}.${signature}`, 'Jwt header is an invalid JSON'],
    ['header with alg twice', issuer.tokenOf('{}', '{"alg":"ES256","alg":"none"}'), 'Jwt header is an invalid JSON'],
    [
      'header with alg twice, once in escapes',
      issuer.tokenOf('{}', '{"alg":"ES256","\\u0061lg":"none"}'),
      'Jwt header is an invalid JSON',
    ],
    ['no alg', issuer.tokenOf('{}', '{}'), 'Jwt header [alg] field is required and must be a string'],
    ['alg list', issuer.tokenOf('{}', '{"alg":["ES256"]}'), 'Jwt header [alg] field is required and must be a string'],
    ['alg none', issuer.token({}, { alg: 'none' }), 'Jwt header [alg] is not supported'],
    ['alg None', issuer.token({}, { alg: 'None' }), 'Jwt header [alg] is not supported'],
    ['alg none without signature', `${encode('{"alg":"none"}')}.${payload}.`, 'Jwt header [alg] is not supported'],
    ['alg of every object', issuer.token({}, { alg: 'constructor' }), 'Jwt header [alg] is not supported'],
    ['alg es256', issuer.token({}, { alg: 'es256' }), 'Jwt header [alg] is not supported'],
    ['kid number', issuer.token({}, { kid: 1 }), 'Jwt header [kid] field is not a string'],
    ['kid object', issuer.token({}, { kid: { a: 1 } }), 'Jwt header [kid] field is not a string'],
    ['crit', issuer.token({}, { crit: ['exp'] }), 'Jwt header [crit] is not supported'],
    ['crit with b64', issuer.token({}, { crit: ['b64'], b64: false }), 'Jwt header [crit] is not supported'],
    ['empty crit', issuer.token({}, { crit: [] }), 'Jwt header [crit] is not supported'],
    ['a logout token', issuer.token({}, { typ: 'logout+jwt' }), 'Jwt header [typ] is that of another kind of token'],
    [
      'a proof of possession',
      issuer.token({}, { typ: 'application/DPoP+JWT' }),
      'Jwt header [typ] is that of another kind of token',
    ],
    ['payload that is no base64url', `${header}.a b.${signature}`, 'Jwt payload is an invalid Base64url encoded'],
    ['payload with iss twice', issuer.tokenOf('{"iss":"a","iss":"b"}'), 'Jwt payload is an invalid JSON'],
    [
      'payload with a nested claim twice',
      issuer.tokenOf('{"a":[{"b":{"c":1,"c":2}}]}'),
      'Jwt payload is an invalid JSON',
    ],
    [
      'payload nested without end',
      issuer.tokenOf(`{"a":${'['.repeat(2000)}${']'.repeat(2000)}}`),
      'Jwt payload is an invalid JSON',
    ],
    ['payload that is a text', issuer.tokenOf('"x"'), 'Jwt payload is an invalid JSON'],
    ['payload null', issuer.tokenOf('null'), 'Jwt payload is an invalid JSON'],
    ['payload that is no UTF-8', issuer.tokenOf(latin1('{"sub":"\u00e9"}')), 'Jwt payload is an invalid JSON'],
    ['payload with a byte order mark', issuer.tokenOf('\ufeff{}'), 'Jwt payload is an invalid JSON'],
    ['payload with something behind', issuer.tokenOf('{}{}'), 'Jwt payload is an invalid JSON'],
    ['iss number', issuer.token({ iss: 1 }), 'Jwt payload [iss] field is not a string'],
    ['iss list', issuer.token({ iss: ['https://acme.example'] }), 'Jwt payload [iss] field is not a string'],
    ['sub object', issuer.token({ sub: {} }), 'Jwt payload [sub] field is not a string'],
    ['aud number', issuer.token({ aud: 1 }), 'Jwt payload [aud] field is not a string or string list'],
    [
      'aud list with a number',
      issuer.token({ aud: ['a', 1] }),
      'Jwt payload [aud] field is not a string or string list',
    ],
    ['aud null', issuer.token({ aud: null }), 'Jwt payload [aud] field is not a string or string list'],
    ['exp text', issuer.token({ exp: '9999999999' }), 'Jwt payload [exp] field is not an integer'],
    ['exp null', issuer.token({ exp: null }), 'Jwt payload [exp] field is not an integer'],
    ['exp without end', issuer.tokenOf('{"exp":1e999}'), 'Jwt payload [exp] field is not an integer'],
    ['exp negative', issuer.token({ exp: -1 }), 'Jwt payload [exp] field is not an integer'],
    ['nbf text', issuer.token({ nbf: '1' }), 'Jwt payload [nbf] field is not an integer'],
    ['iat truth value', issuer.token({ iat: true }), 'Jwt payload [iat] field is not an integer'],
    ['no signature', `${header}.${payload}.`, 'Jwt signature is an invalid Base64url encoded'],
    ['signature with a line break', `${good}\n`, 'Jwt signature is an invalid Base64url encoded'],
  ];
  for (const [name, token, problem] of cases) {
    it(`${name}: ${problem}`, () => assert.deepEqual(parseToken(token), { ok: false, problem }));
  }

  it('an HMAC token can be read; whether a key fits is for the keys', () => {
    const token = parseToken(hmacToken({ iss: 'x' }, { alg: 'HS256' }, Buffer.from('secret')));
    assert.ok(token.ok);
    assert.equal(token.value.algorithm, 'HS256');
  });

  it('where keys are is never read from the token', () => {
    const token = parseToken(issuer.token({}, { jwk: issuer.jwk, jku: 'https://evil.example', x5u: 'x', x5c: ['y'] }));
    assert.ok(token.ok);
    assert.deepEqual(Object.keys(token.value).toSorted(), [
      'algorithm',
      'audiences',
      'claims',
      'expiresAt',
      'issuer',
      'keyId',
      'notBefore',
      'payload',
      'subject',
      'text',
    ]);
  });
});

describe('any text', () => {
  it('is answered, never thrown at', () => {
    const part = fc.oneof(
      fc.base64String(),
      fc.string(),
      fc.json().map(encode),
      fc.constantFrom(header, payload, signature),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(part, { maxLength: 5 }).map((parts) => parts.join('.')),
        ),
        (text) => {
          const parsed = parseToken(text);
          if (parsed.ok) assert.equal(parsed.value.text, text);
        },
      ),
      { numRuns: 5000 },
    );
  });

  it('that is one character off a good token is another token or none', () => {
    fc.assert(
      fc.property(
        fc.nat(good.length - 1),
        fc.constantFrom('A', 'a', '0', '-', '_', '.', '=', '+', ' '),
        (at, character) => {
          const text = `${good.slice(0, at)}${character}${good.slice(at + 1)}`;
          const parsed = parseToken(text);
          if (parsed.ok && text !== good) {
            assert.notDeepEqual(
              parsed.value.text.split('.').map((part) => Buffer.from(part, 'base64url').toString('hex')),
              good.split('.').map((part) => Buffer.from(part, 'base64url').toString('hex')),
            );
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('JSON whose members are all different is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 })), (claims) => {
        const own = Object.entries(claims).filter(
          ([name]) => !['iss', 'sub', 'aud', 'exp', 'nbf', 'iat'].includes(name),
        );
        const text = JSON.stringify(Object.fromEntries(own));
        const parsed = parseToken(issuer.tokenOf(text));
        assert.ok(parsed.ok, parsed.ok ? '' : parsed.problem);
        assert.deepEqual(parsed.value.claims, JSON.parse(text));
      }),
      { numRuns: 300 },
    );
  });
});
