import assert from 'node:assert/strict';
import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, it } from 'node:test';
import { createLocalJWKSet, jwtVerify, SignJWT } from 'jose';
import { RampartError, SpiffeId } from '@rampart/core';
import { toPublicJwk } from '../bundle/public-jwk.ts';
import type { JwtAuthority } from '../bundle/trust-bundle.ts';
import { oidcKeysOf } from '../bundle/write.ts';
import { issueJwtSvid, type JwtSvidClaims, type JwtSvidKey } from './issue.ts';
import { parseJwtSvid } from './parse.ts';
import { type JwtSvidTrust, verifyJwtSvid } from './verify.ts';

const NOW = Date.UTC(2026, 5, 15, 12, 0, 0);
const SECONDS = NOW / 1000;
const WEB = 'spiffe://cluster.local/ns/default/sa/web';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const spki = (key: KeyObject): Uint8Array =>
  new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' }));

function keyOf(key: KeyObject, keyId = 'one'): JwtSvidKey {
  const signer = {
    publicKeyDer: spki(key),
    sign: (data: Uint8Array) => Promise.resolve(new Uint8Array(sign('sha256', data, key))),
  };
  return { keyId, signer };
}

function authorityOf(key: KeyObject, keyId = 'one'): JwtAuthority {
  const jwk = toPublicJwk(spki(key));
  assert.ok(jwk);
  return { keyId, jwk };
}

const claims: JwtSvidClaims = {
  spiffeId: SpiffeId.of(WEB),
  audience: ['orders'],
  issuedAt: NOW,
  expiresAt: NOW + 300_000,
  id: 'a-number-used-once',
};
const authorities = [authorityOf(privateKey)];

async function judge(token: string, trust: Partial<JwtSvidTrust> = {}): Promise<string> {
  const bundles: JwtSvidTrust['bundles'] = ({ name }) => (name === 'cluster.local' ? authorities : undefined);
  const verified = await verifyJwtSvid(token, { bundles, audience: 'orders', now: NOW, ...trust });
  return verified.ok ? verified.value.spiffeId.toString() : verified.problem.code;
}

const text = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
/** A token of any header and payload, signed as ES256 whatever they say. */
function forge(header: object | string, payload: object | string, key = privateKey): string {
  const part = (value: object | string): string =>
    typeof value === 'string' ? Buffer.from(value).toString('base64url') : text(value);
  const signed = `${part(header)}.${part(payload)}`;
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}
const HEADER = { alg: 'ES256', kid: 'one', typ: 'JWT' };
const PAYLOAD = { sub: WEB, aud: ['orders'], exp: SECONDS + 300, iat: SECONDS };

describe('a JWT-SVID that is issued', () => {
  it('has the header and claims of the standard and no more', async () => {
    const token = await issueJwtSvid(claims, keyOf(privateKey));
    const [header, payload] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString());
    assert.equal(header, '{"alg":"ES256","kid":"one","typ":"JWT"}');
    assert.deepEqual(JSON.parse(payload ?? ''), {
      sub: WEB,
      aud: 'orders',
      exp: SECONDS + 300,
      iat: SECONDS,
      jti: 'a-number-used-once',
    });
  });

  it('verifies here, and by jose with the key set of OpenID Connect', async () => {
    const token = await issueJwtSvid(
      { ...claims, audience: ['a', 'orders'], issuer: 'https://id.example' },
      keyOf(privateKey),
    );
    assert.equal(await judge(token), WEB);
    const keys = createLocalJWKSet(
      oidcKeysOf({ jwtAuthorities: authorities }) as Parameters<typeof createLocalJWKSet>[0],
    );
    const theirs = await jwtVerify(token, keys, {
      issuer: 'https://id.example',
      audience: 'orders',
      subject: WEB,
      currentDate: new Date(NOW),
      requiredClaims: ['exp', 'iat', 'jti'],
    });
    assert.deepEqual(theirs.payload.aud, ['a', 'orders']);
  });

  it('is of RS256 by an RSA key, for readers that know nothing else, and verifies by jose', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const token = await issueJwtSvid(claims, keyOf(rsa));
    assert.equal(
      Buffer.from(token.split('.')[0] ?? '', 'base64url').toString(),
      '{"alg":"RS256","kid":"one","typ":"JWT"}',
    );
    const bundle = { jwtAuthorities: [authorityOf(rsa)] };
    assert.equal(await judge(token, { bundles: () => bundle.jwtAuthorities }), WEB);
    const keys = createLocalJWKSet(oidcKeysOf(bundle) as Parameters<typeof createLocalJWKSet>[0]);
    await jwtVerify(token, keys, { algorithms: ['RS256'], audience: 'orders', currentDate: new Date(NOW) });
  });

  it('always has a signature of 64 bytes, though r and s are numbers', async () => {
    for (let round = 0; round < 600; round += 1) {
      const token = await issueJwtSvid({ ...claims, id: String(round) }, keyOf(privateKey));
      assert.equal(Buffer.from(token.split('.')[2] ?? '', 'base64url').length, 64);
    }
  });

  it('is cut down to whole seconds', async () => {
    const token = await issueJwtSvid({ ...claims, issuedAt: NOW + 1, expiresAt: NOW + 300_999 }, keyOf(privateKey));
    const parsed = parseJwtSvid(token);
    assert.deepEqual(parsed.ok && [parsed.value.issuedAt, parsed.value.expiresAt], [NOW, NOW + 300_000]);
  });

  const refusals: readonly (readonly [rule: string, changes: Partial<JwtSvidClaims>, problem: RegExp])[] = [
    ['a trust domain alone', { spiffeId: SpiffeId.of('spiffe://cluster.local') }, /spiffeId/],
    ['no audience', { audience: [] }, /audience/],
    ['an empty audience', { audience: ['orders', ''] }, /audience/],
    ['an audience twice', { audience: ['orders', 'orders'] }, /twice/],
    ['an end that is no later than the start', { expiresAt: NOW + 999 }, /expiresAt/],
    ['an end that is no number', { expiresAt: Number.NaN }, /expiresAt/],
  ];
  for (const [rule, changes, problem] of refusals) {
    it(`is refused with ${rule}`, async () => {
      await assert.rejects(issueJwtSvid({ ...claims, ...changes }, keyOf(privateKey)), (error) => {
        assert.ok(error instanceof RampartError && error.code === 'INVALID_ARGUMENT');
        assert.match(error.message, problem);
        return true;
      });
    });
  }

  const unfit: readonly (readonly [rule: string, signer: Partial<JwtSvidKey['signer']>, code: string])[] = [
    [
      'a key that is not P-256',
      { publicKeyDer: spki(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey) },
      'INVALID_ARGUMENT',
    ],
    [
      'another key behind the signer',
      keyOf(stranger).signer.sign === undefined ? {} : { sign: keyOf(stranger).signer.sign },
      'INTERNAL',
    ],
    ['a signature that is none', { sign: () => Promise.resolve(Uint8Array.of(1, 2, 3)) }, 'INTERNAL'],
    ['a signature in fixed length', { sign: () => Promise.resolve(new Uint8Array(64)) }, 'INTERNAL'],
    [
      'a signature that is too long',
      { sign: () => Promise.resolve(Uint8Array.of(0x30, 38, 2, 33, 1, ...new Uint8Array(32), 2, 1, 1)) },
      'INTERNAL',
    ],
  ];
  for (const [rule, signer, code] of unfit) {
    it(`does not leave with ${rule}`, async () => {
      const key = keyOf(privateKey);
      await assert.rejects(issueJwtSvid(claims, { ...key, signer: { ...key.signer, ...signer } }), { code });
    });
  }
});

/** Code of the refusal, or the SPIFFE ID. */
const CASES: readonly (readonly [rule: string, header: object | string, payload: object | string, expected: string])[] =
  [
    ['a good token is right', HEADER, PAYLOAD, WEB],
    // JWT-SVID §2
    ['kid may be left out', { alg: 'ES256' }, PAYLOAD, WEB],
    ['typ may be left out', { alg: 'ES256', kid: 'one' }, PAYLOAD, WEB],
    ['typ may be JOSE', { ...HEADER, typ: 'JOSE' }, PAYLOAD, WEB],
    ['another typ is refused', { ...HEADER, typ: 'wit+jwt' }, PAYLOAD, 'BAD_HEADER'],
    ['typ is case-sensitive', { ...HEADER, typ: 'jwt' }, PAYLOAD, 'BAD_HEADER'],
    ['alg none is refused', { ...HEADER, alg: 'none' }, PAYLOAD, 'BAD_ALGORITHM'],
    ['alg HS256 is refused', { ...HEADER, alg: 'HS256' }, PAYLOAD, 'BAD_ALGORITHM'],
    ['alg EdDSA is refused', { ...HEADER, alg: 'EdDSA' }, PAYLOAD, 'BAD_ALGORITHM'],
    ['alg is case-sensitive', { ...HEADER, alg: 'es256' }, PAYLOAD, 'BAD_ALGORITHM'],
    ['alg is needed', { kid: 'one', typ: 'JWT' }, PAYLOAD, 'BAD_ALGORITHM'],
    ['alg is not taken from prototypes', { ...HEADER, alg: 'constructor' }, PAYLOAD, 'BAD_ALGORITHM'],
    ['an algorithm of another key is refused', { ...HEADER, alg: 'ES384' }, PAYLOAD, 'UNKNOWN_KEY'],
    ['an algorithm of RSA is refused for an EC key', { ...HEADER, alg: 'RS256' }, PAYLOAD, 'UNKNOWN_KEY'],
    ['jku has no place', { ...HEADER, jku: 'https://evil.example' }, PAYLOAD, 'BAD_HEADER'],
    ['jwk has no place', { ...HEADER, jwk: authorityOf(stranger).jwk }, PAYLOAD, 'BAD_HEADER'],
    ['x5c has no place', { ...HEADER, x5c: [] }, PAYLOAD, 'BAD_HEADER'],
    ['crit has no place', { ...HEADER, crit: ['exp'] }, PAYLOAD, 'BAD_HEADER'],
    ['cty has no place', { ...HEADER, cty: 'JWT' }, PAYLOAD, 'BAD_HEADER'],
    ['a header twice is refused', '{"alg":"none","alg":"ES256","kid":"one"}', PAYLOAD, 'MALFORMED'],
    ['kid is a text', { ...HEADER, kid: 1 }, PAYLOAD, 'BAD_HEADER'],
    ['an unknown kid is refused, though the key would fit', { ...HEADER, kid: 'two' }, PAYLOAD, 'UNKNOWN_KEY'],
    // JWT-SVID §3
    ['sub is needed', HEADER, { ...PAYLOAD, sub: undefined }, 'NOT_A_SPIFFE_ID'],
    ['sub is a SPIFFE ID', HEADER, { ...PAYLOAD, sub: 'web' }, 'NOT_A_SPIFFE_ID'],
    ['sub is one text', HEADER, { ...PAYLOAD, sub: [WEB] }, 'NOT_A_SPIFFE_ID'],
    ['sub of another domain has no key', HEADER, { ...PAYLOAD, sub: 'spiffe://example.org/web' }, 'UNTRUSTED'],
    ['aud may be a text', HEADER, { ...PAYLOAD, aud: 'orders' }, WEB],
    ['aud may name several', HEADER, { ...PAYLOAD, aud: ['a', 'orders', 'b'] }, WEB],
    ['aud is needed', HEADER, { ...PAYLOAD, aud: undefined }, 'NO_AUDIENCE'],
    ['an empty aud is refused', HEADER, { ...PAYLOAD, aud: [] }, 'NO_AUDIENCE'],
    ['an aud of no text is refused', HEADER, { ...PAYLOAD, aud: [''] }, 'NO_AUDIENCE'],
    ['an aud that is no text is refused', HEADER, { ...PAYLOAD, aud: ['orders', 1] }, 'NO_AUDIENCE'],
    ['the validator must be in aud', HEADER, { ...PAYLOAD, aud: ['payments'] }, 'WRONG_AUDIENCE'],
    ['aud is compared whole', HEADER, { ...PAYLOAD, aud: 'orders2' }, 'WRONG_AUDIENCE'],
    ['aud is case-sensitive', HEADER, { ...PAYLOAD, aud: 'Orders' }, 'WRONG_AUDIENCE'],
    ['exp is needed', HEADER, { ...PAYLOAD, exp: undefined }, 'NO_EXPIRY'],
    ['exp is a number', HEADER, { ...PAYLOAD, exp: String(SECONDS + 300) }, 'NO_EXPIRY'],
    ['exp is a number that is one', HEADER, `{"sub":"${WEB}","aud":"orders","exp":1e400}`, 'NO_EXPIRY'],
    ['exp is not before 1970', HEADER, { ...PAYLOAD, exp: -1 }, 'NO_EXPIRY'],
    ['exp beyond the calendar is right', HEADER, { ...PAYLOAD, exp: 1e300 }, WEB],
    ['exp may have fractions', HEADER, { ...PAYLOAD, exp: SECONDS + 0.5 }, WEB],
    ['the moment of exp is too late', HEADER, { ...PAYLOAD, exp: SECONDS }, 'EXPIRED'],
    ['after exp is too late', HEADER, { ...PAYLOAD, exp: SECONDS - 1 }, 'EXPIRED'],
    ['nbf is honoured', HEADER, { ...PAYLOAD, nbf: SECONDS + 1 }, 'NOT_YET_VALID'],
    ['the moment of nbf is right', HEADER, { ...PAYLOAD, nbf: SECONDS }, WEB],
    ['nbf is a number', HEADER, { ...PAYLOAD, nbf: 'now' }, 'BAD_CLAIM'],
    ['iat is a number', HEADER, { ...PAYLOAD, iat: {} }, 'BAD_CLAIM'],
    ['iat a minute ahead is another clock', HEADER, { ...PAYLOAD, iat: SECONDS + 60 }, WEB],
    ['iat further ahead is refused', HEADER, { ...PAYLOAD, iat: SECONDS + 61 }, 'NOT_YET_VALID'],
    ['iat may be left out', HEADER, { ...PAYLOAD, iat: undefined }, WEB],
    ['jti is a text', HEADER, { ...PAYLOAD, jti: 1 }, 'BAD_CLAIM'],
    ['iss is a text', HEADER, { ...PAYLOAD, iss: ['a'] }, 'BAD_CLAIM'],
    ['claims beyond these are let be', HEADER, { ...PAYLOAD, groups: ['a'], deep: { a: [1] } }, WEB],
    [
      'a claim twice is refused',
      HEADER,
      `{"sub":"${WEB}","sub":"${WEB}","aud":"orders","exp":9999999999}`,
      'MALFORMED',
    ],
    ['a payload that is no object is refused', HEADER, '[]', 'MALFORMED'],
  ];

describe('a JWT-SVID is judged', () => {
  for (const [rule, header, payload, expected] of CASES) {
    it(`${rule}: ${expected}`, async () => assert.equal(await judge(forge(header, payload)), expected));
  }

  it('by the signature', async () => {
    const token = forge(HEADER, PAYLOAD);
    const signature = Buffer.from(token.split('.')[2] ?? '', 'base64url');
    signature[10] = (signature[10] ?? 0) ^ 1;
    const parts = token.split('.').slice(0, 2);
    assert.equal(await judge([...parts, signature.toString('base64url')].join('.')), 'BAD_SIGNATURE');
    assert.equal(await judge(forge(HEADER, PAYLOAD, stranger)), 'BAD_SIGNATURE');
    assert.equal(await judge(forge({ alg: 'ES256' }, PAYLOAD, stranger)), 'BAD_SIGNATURE');
  });

  it('never with a public key for a secret', async () => {
    const secret = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' });
    const signed = `${text({ ...HEADER, alg: 'HS256' })}.${text(PAYLOAD)}`;
    assert.equal(
      await judge(`${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`),
      'BAD_ALGORITHM',
    );
  });

  it('by the bundle of its own trust domain only', async () => {
    const theirs = forge(HEADER, { ...PAYLOAD, sub: 'spiffe://example.org/web' });
    const bundles: JwtSvidTrust['bundles'] = ({ name }) =>
      name === 'cluster.local' ? authorities : [authorityOf(stranger)];
    assert.equal(await judge(theirs, { bundles }), 'BAD_SIGNATURE');
    assert.equal(await judge(forge(HEADER, PAYLOAD), { bundles }), WEB);
    assert.equal(await judge(forge(HEADER, PAYLOAD), { bundles: () => [] }), 'UNTRUSTED');
  });

  it('by any of several keys while they rotate', async () => {
    const bundles: JwtSvidTrust['bundles'] = () => [authorityOf(stranger, 'old'), authorityOf(privateKey, 'new')];
    assert.equal(await judge(forge({ alg: 'ES256' }, PAYLOAD), { bundles }), WEB);
    assert.equal(await judge(forge({ alg: 'ES256', kid: 'new' }, PAYLOAD), { bundles }), WEB);
    assert.equal(await judge(forge({ alg: 'ES256', kid: 'old' }, PAYLOAD), { bundles }), 'BAD_SIGNATURE');
  });

  it('with as much difference of clocks as was asked for', async () => {
    const late = forge(HEADER, { ...PAYLOAD, exp: SECONDS - 5 });
    const early = forge(HEADER, { ...PAYLOAD, nbf: SECONDS + 5 });
    assert.deepEqual([await judge(late, { clockSkewMs: 6000 }), await judge(early, { clockSkewMs: 6000 })], [WEB, WEB]);
    assert.deepEqual(
      [await judge(late, { clockSkewMs: 4000 }), await judge(early, { clockSkewMs: 4000 })],
      ['EXPIRED', 'NOT_YET_VALID'],
    );
    assert.equal(await judge(forge(HEADER, PAYLOAD), { now: Number.NaN }), 'EXPIRED');
  });

  const good = forge(HEADER, PAYLOAD);
  const shapes: readonly (readonly [rule: string, token: string])[] = [
    ['nothing', ''],
    ['two parts', good.split('.').slice(0, 2).join('.')],
    ['four parts', `${good}.`],
    ['no signature', `${good.split('.').slice(0, 2).join('.')}.`],
    ['padding', `${good}=`],
    ['white space', ` ${good}`],
    ['another alphabet', good.replace('.', '+.')],
    ['JSON serialization', JSON.stringify({ payload: text(PAYLOAD), signatures: [] })],
    ['more than 16384 characters', forge(HEADER, { ...PAYLOAD, more: 'x'.repeat(16_384) })],
    ['five parts, as when encrypted', 'a.b.c.d.e'],
  ];
  for (const [rule, token] of shapes) {
    it(`with ${rule}: MALFORMED`, async () => assert.equal(await judge(token), 'MALFORMED'));
  }

  for (const algorithm of ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512']) {
    it(`signed by jose with ${algorithm}`, async () => {
      const curve = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }[algorithm];
      const key =
        curve === undefined
          ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
          : generateKeyPairSync('ec', { namedCurve: curve }).privateKey;
      const token = await new SignJWT({ ...PAYLOAD }).setProtectedHeader({ alg: algorithm, kid: 'k' }).sign(key);
      assert.equal(await judge(token, { bundles: () => [authorityOf(key, 'k')] }), WEB);
    });
  }
});
