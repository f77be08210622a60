import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { createLocalJWKSet, exportJWK } from 'jose';
import { forgeAuthority } from '../testing/forgery.ts';
import { createTestAuthority, issueWorkload } from '../testing/test-authority.ts';
import { parseBundleJson, parseBundleMap } from './read.ts';
import { readPublicJwk, toPublicJwk } from './public-jwk.ts';
import type { JwtAuthority, TrustBundle } from './trust-bundle.ts';
import { bundleMapToJson, bundleToJson, jwksOf, oidcKeysOf } from './write.ts';

const authority = await createTestAuthority();
const foreign = await createTestAuthority('example.org');
const { trustDomain, root } = authority;

function ecAuthority(keyId: string, namedCurve = 'P-256'): JwtAuthority {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve });
  const jwk = toPublicJwk(new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })));
  assert.ok(jwk);
  return { keyId, jwk };
}

function rsaJwk(modulusLength: number): Record<string, unknown> {
  return { ...generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' }) };
}

const key = ecAuthority('one');
const bundle: TrustBundle = { trustDomain, roots: [root], jwtAuthorities: [key], sequence: 7, refreshHintSeconds: 60 };
const [rootEntry, jwtEntry] = (JSON.parse(bundleToJson(bundle)) as { keys: Record<string, unknown>[] }).keys;

/** "roots/keys" that were taken, or the problem. */
function judge(document: object | string, domain = trustDomain): string {
  const parsed = parseBundleJson(domain, typeof document === 'string' ? document : JSON.stringify(document));
  return parsed.ok ? `${parsed.value.roots.length}/${parsed.value.jwtAuthorities.length}` : parsed.problem;
}

describe('a bundle document', () => {
  it('has the members and entries of the standard', () => {
    const document: unknown = JSON.parse(bundleToJson(bundle));
    const x5c = [Buffer.from(root).toString('base64')];
    const { x, y } = rootEntry ?? {};
    assert.deepEqual(document, {
      keys: [
        { use: 'x509-svid', kty: 'EC', crv: 'P-256', x, y, x5c },
        { use: 'jwt-svid', kid: 'one', ...key.jwk },
      ],
      spiffe_sequence: 7,
      spiffe_refresh_hint: 60,
    });
  });

  it('reads back as it was', () => {
    const parsed = parseBundleJson(trustDomain, bundleToJson(bundle));
    assert.ok(parsed.ok, parsed.ok ? '' : parsed.problem);
    const { trustDomain: domain, ...rest } = parsed.value;
    assert.deepEqual(
      { ...rest, roots: rest.roots.map(Buffer.from) },
      { roots: [Buffer.from(root)], jwtAuthorities: [key], sequence: 7, refreshHintSeconds: 60 },
    );
    assert.ok(domain.equals(trustDomain));
  });

  it('of spire-server bundle show reads, and what is written reads there', () => {
    // Indentation, order and members as SPIRE prints them (pkg/common/bundleutil).
    const spire = JSON.stringify(
      { keys: [rootEntry, jwtEntry], spiffe_sequence: 1, spiffe_refresh_hint: 300 },
      null,
      4,
    );
    const parsed = parseBundleJson(trustDomain, spire);
    assert.ok(parsed.ok);
    assert.deepEqual([parsed.value.sequence, parsed.value.refreshHintSeconds], [1, 300]);
    // go-spiffe reads `use`, `kty`, `crv`, `x`, `y`, `x5c` and `kid`, and nothing else.
    assert.deepEqual(Object.keys(rootEntry ?? {}).toSorted(), ['crv', 'kty', 'use', 'x', 'x5c', 'y']);
    assert.deepEqual(Object.keys(jwtEntry ?? {}).toSorted(), ['crv', 'kid', 'kty', 'use', 'x', 'y']);
  });

  it('says sequence and refresh hint only as far as they are there', () => {
    const parsed = parseBundleJson(trustDomain, '{"keys":[]}');
    assert.deepEqual(parsed.ok && [parsed.value.sequence, 'refreshHintSeconds' in parsed.value], [0, false]);
    assert.ok(!bundleToJson({ trustDomain, roots: [], jwtAuthorities: [], sequence: 1 }).includes('hint'));
  });
});

const CASES: readonly (readonly [rule: string, document: object | string, expected: string | RegExp])[] = [
  // SPIFFE_Trust_Domain_and_Bundle §4
  ['both kinds of key are taken', { keys: [rootEntry, jwtEntry] }, '1/1'],
  ['empty keys trust nobody', { keys: [] }, '0/0'],
  ['members that nobody knows are passed over', { keys: [rootEntry], spiffe_more: { a: 1 } }, '1/0'],
  ['keys must be there', { spiffe_sequence: 1 }, /no list "keys"/],
  ['keys must be a list', { keys: { 0: rootEntry } }, /no list "keys"/],
  ['keys that are null are none', { keys: null }, /no list "keys"/],
  ['a key must be an object', { keys: [rootEntry, 'x'] }, /keys\[1\] is not a JSON object/],
  ['an unknown kty is passed over', { keys: [{ ...jwtEntry, kty: 'AKP' }, jwtEntry] }, '0/1'],
  ['an unknown use is passed over', { keys: [{ ...rootEntry, use: 'wit-svid' }, rootEntry] }, '1/0'],
  ['use is case-sensitive', { keys: [{ ...rootEntry, use: 'X509-SVID' }] }, '0/0'],
  ['a missing use is passed over', { keys: [{ ...rootEntry, use: undefined }, jwtEntry] }, '0/1'],
  ['a sequence is an integer', { keys: [], spiffe_sequence: 1.5 }, /spiffe_sequence/],
  ['a sequence is no text', { keys: [], spiffe_sequence: '1' }, /spiffe_sequence/],
  ['a sequence is not negative', { keys: [], spiffe_sequence: -1 }, /spiffe_sequence/],
  ['a sequence may have 64 bits', '{"keys":[],"spiffe_sequence":18446744073709549568}', '0/0'],
  ['a sequence has no 65 bits', '{"keys":[],"spiffe_sequence":18446744073709551616}', /spiffe_sequence/],
  ['a refresh hint is an integer', { keys: [], spiffe_refresh_hint: 0.5 }, /spiffe_refresh_hint/],
  ['a refresh hint is not null', { keys: [], spiffe_refresh_hint: null }, /spiffe_refresh_hint/],
  ['a bundle is JSON', 'keys', /is not JSON/],
  ['a bundle is an object', '[]', /is not a JSON object/],
  ['a member named twice is refused', '{"keys":[],"keys":[]}', /names a member twice/],
  [
    'a member of a key named twice is refused',
    '{"keys":[{"use":"jwt-svid","use":"x509-svid"}]}',
    /names a member twice/,
  ],
  ['256 keys at most', { keys: Array.from({ length: 257 }, () => ({})) }, /more than 256 keys/],
  ['a MiB at most', ' '.repeat(1024 * 1024 + 1), /more than 1048576 characters/],
  // X509-SVID §6
  ['no x5c is passed over', { keys: [{ ...rootEntry, x5c: undefined }, rootEntry] }, '1/0'],
  ['an empty x5c is passed over', { keys: [{ ...rootEntry, x5c: [] }, rootEntry] }, '1/0'],
  ['of several in x5c the first counts', { keys: [{ ...rootEntry, x5c: [base64(root), 'not even base64'] }] }, '1/0'],
  ['a kid beside x5c is passed over', { keys: [{ ...rootEntry, kid: 'a' }] }, '1/0'],
  ['x5c is a list', { keys: [{ ...rootEntry, x5c: base64(root) }] }, /keys\[0\]\.x5c is not a list/],
  ['x5c is base64', { keys: [{ ...rootEntry, x5c: ['ab-_'] }] }, /x5c\[0\] is not base64/],
  ['x5c holds text', { keys: [{ ...rootEntry, x5c: [1] }] }, /x5c\[0\] is not base64/],
  ['x5c holds a certificate', { keys: [{ ...rootEntry, x5c: ['AAAA'] }] }, /x5c\[0\] is not a certificate/],
  ['x5c holds no trailing bytes', { keys: [{ ...rootEntry, x5c: [base64([...root, 0])] }] }, /trailing/],
  [
    'the certificate is of the key',
    { keys: [{ ...rootEntry, x: key.jwk.kty === 'EC' ? key.jwk.x : '' }] },
    /another key/,
  ],
  ['the key is there', { keys: [{ use: 'x509-svid', kty: 'EC', x5c: [base64(root)] }] }, /another key/],
  // JWT-SVID §6
  ['no kid is passed over', { keys: [{ ...jwtEntry, kid: undefined }, jwtEntry] }, '0/1'],
  ['an empty kid is passed over', { keys: [{ ...jwtEntry, kid: '' }] }, '0/0'],
  ['a kid that is no text is passed over', { keys: [{ ...jwtEntry, kid: 1 }] }, '0/0'],
  ['two keys of one kid are refused', { keys: [jwtEntry, { ...jwtEntry, ...ecAuthority('b').jwk }] }, /keys\[1\]\.kid/],
  ['P-384 is taken', { keys: [{ ...jwtEntry, ...ecAuthority('b', 'P-384').jwk }] }, '0/1'],
  ['P-521 is taken', { keys: [{ ...jwtEntry, ...ecAuthority('b', 'P-521').jwk }] }, '0/1'],
  ['secp256k1 is passed over', { keys: [{ ...jwtEntry, crv: 'secp256k1' }] }, '0/0'],
  ['RSA of 2048 bits is taken', { keys: [{ use: 'jwt-svid', kid: 'r', ...rsaJwk(2048) }] }, '0/1'],
  ['RSA of 1024 bits is passed over', { keys: [{ use: 'jwt-svid', kid: 'r', ...rsaJwk(1024) }] }, '0/0'],
  ['a point off the curve is passed over', { keys: [{ ...jwtEntry, y: 'A'.repeat(43) }] }, '0/0'],
  ['a coordinate in base64 is passed over', { keys: [{ ...jwtEntry, x: '+'.repeat(43) }] }, '0/0'],
  ['a secret is passed over', { keys: [{ use: 'jwt-svid', kid: 's', kty: 'oct', k: 'c2VjcmV0' }] }, '0/0'],
];

function base64(bytes: Iterable<number>): string {
  return Buffer.from([...bytes]).toString('base64');
}

describe('reading a bundle', () => {
  for (const [rule, document, expected] of CASES) {
    it(rule, () => {
      if (typeof expected === 'string') assert.equal(judge(document), expected);
      else assert.match(judge(document), expected);
    });
  }

  it('passes over what cannot vouch for this trust domain', async () => {
    const entryOf = (der: Uint8Array): unknown =>
      (JSON.parse(bundleToJson({ ...bundle, roots: [der], jwtAuthorities: [] })) as { keys: unknown[] }).keys[0];
    assert.equal(judge({ keys: [entryOf(foreign.root), rootEntry] }), '1/0');
    assert.equal(judge({ keys: [entryOf(await issueWorkload(authority))] }), '0/0');
    assert.equal(judge({ keys: [entryOf(forgeAuthority(authority, { extensions: { keyUsage: undefined } }))] }), '0/0');
    assert.equal(judge({ keys: [entryOf(foreign.root)] }, foreign.trustDomain), '1/0');
  });

  it('keeps nothing of a private key', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const parsed = parseBundleJson(
      trustDomain,
      JSON.stringify({ keys: [{ use: 'jwt-svid', kid: 'p', ...privateKey.export({ format: 'jwk' }) }] }),
    );
    assert.deepEqual(parsed.ok && Object.keys(parsed.value.jwtAuthorities[0]?.jwk ?? {}), ['kty', 'crv', 'x', 'y']);
  });
});

describe('a bundle map', () => {
  const other: TrustBundle = { ...bundle, trustDomain: foreign.trustDomain, roots: [foreign.root], jwtAuthorities: [] };
  const text = bundleMapToJson([bundle, other]);

  it('keeps the bundles of its domains apart', () => {
    const parsed = parseBundleMap(text);
    assert.ok(parsed.ok);
    const seen = [...parsed.value].map(([name, { roots, jwtAuthorities }]) => [
      name,
      roots.length,
      jwtAuthorities.length,
    ]);
    assert.deepEqual(seen, [
      ['cluster.local', 1, 1],
      ['example.org', 1, 0],
    ]);
  });

  it('leaves refresh hints out', () => {
    const parsed = parseBundleMap(text);
    assert.ok(parsed.ok && ![...parsed.value.values()].some((one) => 'refreshHintSeconds' in one));
  });

  const good = '{"keys":[]}';
  const refused: readonly (readonly [rule: string, text: string, problem: RegExp])[] = [
    [
      'a trust domain that appears twice',
      `{"trust_domains":{"a":${good},"b":${good},"a":${good}}}`,
      /names a member twice/,
    ],
    ['the map itself twice', `{"trust_domains":{"a":${good}},"trust_domains":{}}`, /names a member twice/],
    ['keys of a bundle twice', '{"trust_domains":{"a":{"keys":[],"keys":[]}}}', /names a member twice/],
    ['a member of a key twice', '{"trust_domains":{"a":{"keys":[{"use":"","use":""}]}}}', /names a member twice/],
    ['one spelled with an escape', `{"trust_domains":{"a":${good},"\\u0061":${good}}}`, /names a member twice/],
    ['a name that is no trust domain', `{"trust_domains":{"A":${good}}}`, /must be lower case/],
    ['a SPIFFE ID in place of a name', `{"trust_domains":{"spiffe://a":${good}}}`, /may only hold/],
    ['one unreadable bundle among good ones', `{"trust_domains":{"a":${good},"b":{}}}`, /trust domain b: .*"keys"/],
    ['a bundle that is no object', `{"trust_domains":{"a":[]}}`, /trust domain a: the bundle is not/],
    ['no trust domains', good, /no object "trust_domains"/],
    ['no object of trust domains', '{"trust_domains":[]}', /no object "trust_domains"/],
  ];
  for (const [rule, map, problem] of refused) {
    it(`is refused whole for ${rule}`, () => {
      const parsed = parseBundleMap(map);
      assert.match(parsed.ok ? 'accepted' : parsed.problem, problem);
    });
  }

  it('does not take __proto__ for anything but a name', () => {
    const parsed = parseBundleMap(`{"trust_domains":{"__proto__":${good}}}`);
    assert.deepEqual(parsed.ok && [...parsed.value.keys()], ['__proto__']);
  });
});

describe('key sets', () => {
  it('hold the keys of JWT-SVIDs only, for workloads and for OpenID Connect', () => {
    assert.deepEqual(jwksOf(bundle), { keys: [{ use: 'jwt-svid', kid: 'one', ...key.jwk }] });
    assert.deepEqual(oidcKeysOf(bundle), { keys: [{ use: 'sig', kid: 'one', alg: 'ES256', ...key.jwk }] });
    assert.ok(createLocalJWKSet(oidcKeysOf(bundle) as Parameters<typeof createLocalJWKSet>[0]));
  });

  it('a key is the same however it came', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const theirs = await exportJWK(publicKey);
    assert.deepEqual(
      readPublicJwk({ ...theirs }),
      toPublicJwk(new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }))),
    );
    const ed25519 = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' });
    assert.equal(toPublicJwk(new Uint8Array(ed25519)), undefined);
    assert.equal(toPublicJwk(Uint8Array.of(1)), undefined);
  });
});
