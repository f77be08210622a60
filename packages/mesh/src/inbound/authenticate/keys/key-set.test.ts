import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';

import { SignJWT } from 'jose';

import { hmacToken, TestIssuer } from '../issuer.fixture.ts';
import { parseToken } from '../token/parse.ts';
import { KeySet } from './key-set.ts';
import { signatureProblem } from './signature.ts';

const acme = new TestIssuer('https://acme.example');
const evil = new TestIssuer('https://evil.example', 'evil');

function setOf(keys: readonly unknown[], secrets = false): KeySet {
  const parsed = KeySet.parse(JSON.stringify({ keys }), { secrets });
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.problem);
  return parsed.value;
}

async function problem(text: string, keys: KeySet): Promise<string | undefined> {
  const token = parseToken(text);
  assert.ok(token.ok, token.ok ? '' : token.problem);
  return signatureProblem(token.value, keys);
}

const NO_KEY = "Jwks doesn't have key to match kid or alg from Jwt";
const FAILS = 'Jwt verification fails';

describe('which key verifies what', () => {
  const keys = setOf([acme.jwk]);
  const secret = Buffer.from(acme.publicKey.export({ format: 'pem', type: 'spki' }));

  it('the signature of its owner', async () => assert.equal(await problem(acme.token(), keys), undefined));
  it('a token without kid: any key of its algorithm', async () => {
    assert.equal(await problem(acme.tokenOf('{}', '{"alg":"ES256"}'), setOf([evil.jwk, acme.jwk])), undefined);
  });
  it('a key without kid: any token', async () => {
    assert.equal(await problem(acme.token(), setOf([{ ...acme.jwk, kid: undefined }])), undefined);
  });

  const refused: readonly (readonly [string, string, string])[] = [
    ['another key', evil.token({}, { kid: 'key-1' }), FAILS],
    ['an embedded key', evil.token({}, { kid: 'key-1', jwk: evil.jwk }), FAILS],
    [
      'a key named by address',
      evil.token({}, { kid: 'key-1', jku: 'https://evil.example', x5u: 'https://evil.example' }),
      FAILS,
    ],
    ['a kid that is a path', evil.token({}, { kid: '../../dev/null' }), NO_KEY],
    ['a kid that is SQL', evil.token({}, { kid: "' or 1=1 --" }), NO_KEY],
    ['a kid that every object has', evil.token({}, { kid: '__proto__' }), NO_KEY],
    ['an algorithm that the key is not for', acme.token({}, { alg: 'ES384' }), NO_KEY],
    ['an HMAC with the public key as secret', hmacToken({}, { alg: 'HS256', kid: 'key-1' }, secret), NO_KEY],
    ['an RSA algorithm with an EC key', acme.token({}, { alg: 'RS256' }), NO_KEY],
  ];
  for (const [name, token, expected] of refused) {
    it(`not ${name}: ${expected}`, async () => assert.equal(await problem(token, keys), expected));
  }

  it('RSA, RSA-PSS, Ed25519 and P-521 keys', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pairs = [
      ['RS256', rsa],
      ['PS512', rsa],
      ['EdDSA', generateKeyPairSync('ed25519')],
      ['ES512', generateKeyPairSync('ec', { namedCurve: 'P-521' })],
    ] as const;
    for (const [alg, pair] of pairs) {
      const token = await new SignJWT({}).setProtectedHeader({ alg }).sign(pair.privateKey);
      const jwk = pair.publicKey.export({ format: 'jwk' });
      assert.equal(await problem(token, setOf([jwk])), undefined, alg);
      assert.equal(await problem(token, setOf([{ ...jwk, alg: 'RS384' }, acme.jwk])), NO_KEY, alg);
    }
  });

  it('an RSA key that is too short verifies nothing', async () => {
    const pair = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const { sign } = await import('node:crypto');
    const signed = `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.e30`;
    const token = `${signed}.${sign('sha256', Buffer.from(signed), pair.privateKey).toString('base64url')}`;
    assert.equal(await problem(token, setOf([pair.publicKey.export({ format: 'jwk' })])), FAILS);
  });

  it('a private key in the set is used for its public part only', async () => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const token = await new SignJWT({}).setProtectedHeader({ alg: 'ES256' }).sign(pair.privateKey);
    assert.equal(await problem(token, setOf([pair.privateKey.export({ format: 'jwk' })])), undefined);
  });

  it('a key that cannot be used hides no other', async () => {
    assert.equal(await problem(acme.token(), setOf([{ ...acme.jwk, x: 'AA' }, acme.jwk])), undefined);
  });

  it('a secret counts where it stands in the policy, never where it was fetched', async () => {
    const token = hmacToken({}, { alg: 'HS256' }, Buffer.alloc(32, 1));
    const secret = { kty: 'oct', k: Buffer.alloc(32, 1).toString('base64url') };
    assert.equal(await problem(token, setOf([secret], true)), undefined);
    assert.equal(await problem(token, setOf([secret, acme.jwk])), NO_KEY);
  });
});

describe('key sets that are refused', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['no JSON', 'keys'],
    ['no list of keys', '{"keys":{}}'],
    ['no keys', '{"keys":[]}'],
    ['keys twice', `{"keys":[],"keys":[${JSON.stringify(acme.jwk)}]}`],
    ['keys for encryption only', JSON.stringify({ keys: [{ ...acme.jwk, use: 'enc' }] })],
    ['keys that may not verify', JSON.stringify({ keys: [{ ...acme.jwk, key_ops: ['sign'] }] })],
    ['parts missing', JSON.stringify({ keys: [{ ...acme.jwk, x: undefined }] })],
    ['unknown types', '{"keys":[{"kty":"constructor"},null,1,"x"]}'],
    ['too many', JSON.stringify({ keys: Array.from({ length: 257 }, () => acme.jwk) })],
  ];
  for (const [name, text] of cases) {
    it(name, () => assert.equal(KeySet.parse(text, { secrets: true }).ok, false));
  }

  it('a single key that stands alone is taken', () => {
    assert.equal(KeySet.parse(JSON.stringify(acme.jwk), { secrets: true }).ok, true);
  });
});
