import assert from 'node:assert/strict';

import { TrustDomain } from '@rampart/core';
import { bundleToJson, checkBundle, parseBundleJson, parseBundleMap } from '@rampart/spiffe';

import { outcome, textOf, type FuzzTarget } from '../engine/target.ts';
import { BUNDLE_SEED, CERTIFICATE_SEEDS } from './certificate-seeds.ts';

const trustDomain = TrustDomain.of('cluster.local');
const [rootKey, jwtKey] = BUNDLE_SEED.keys;

/** A bundle document of another trust domain, or a map of several. */
export const bundle: FuzzTarget = {
  name: 'bundle',
  form: 'json',
  seeds: [
    BUNDLE_SEED,
    { keys: [rootKey], spiffe_sequence: 1, spiffe_refresh_hint: 300 },
    {
      keys: [
        { ...rootKey, x5c: [CERTIFICATE_SEEDS.leaf] },
        { ...jwtKey, use: 'sig' },
      ],
    },
    { keys: [] },
    { trust_domains: { 'cluster.local': BUNDLE_SEED, 'example.org': { keys: [jwtKey] } } },
  ].map((document) => JSON.stringify(document)),
  words: [
    'keys',
    'use',
    'x509-svid',
    'jwt-svid',
    'wit-svid',
    'kty',
    'EC',
    'RSA',
    'OKP',
    'oct',
    'crv',
    'P-256',
    'x',
    'y',
    'n',
    'e',
    'd',
    'kid',
    'x5c',
    'spiffe_sequence',
    'spiffe_refresh_hint',
    'trust_domains',
    'example.org',
    'Example.org',
    '__proto__',
  ],
  run: (input) => {
    const text = textOf(input);
    const map = parseBundleMap(text);
    if (map.ok) {
      for (const [name, one] of map.value) assert.equal(one.trustDomain.name, name, 'a bundle under another name');
    }
    const read = parseBundleJson(trustDomain, text);
    if (!read.ok) return outcome(`${read.problem} ${map.ok ? 'map' : map.problem}`);
    assert.ok(checkBundle(read.value).ok, 'a root that cannot vouch for the domain');
    const ids = read.value.jwtAuthorities.map(({ keyId }) => keyId);
    assert.equal(new Set(ids).size, ids.length, 'two keys of one name');
    const written = bundleToJson(read.value);
    assert.ok(!written.includes('"d":'), 'a private key');
    assert.deepEqual(parseBundleJson(trustDomain, written), read, 'another bundle when it is read again');
    return `read ${Math.min(read.value.roots.length, 2)} ${Math.min(ids.length, 2)} ${String('refreshHintSeconds' in read.value)}`;
  },
};
