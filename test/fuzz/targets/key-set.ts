import assert from 'node:assert/strict';

import { KeySet } from '../../../packages/mesh/src/inbound/authenticate/keys/key-set.ts';
import { outcome, textOf, type FuzzTarget } from '../engine/target.ts';

const RSA = {
  kty: 'RSA',
  kid: 'one',
  use: 'sig',
  alg: 'RS256',
  n: 'sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri',
  e: 'AQAB',
};
const EC = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
};
const SECRET = { kty: 'oct', k: 'c2VjcmV0', alg: 'HS256' };

/** What an issuer publishes as its keys. */
export const keySet: FuzzTarget = {
  name: 'key-set',
  form: 'json',
  seeds: [
    { keys: [RSA, EC] },
    { keys: [SECRET] },
    RSA,
    EC,
    { keys: [] },
    { keys: [{ ...EC, key_ops: ['sign'] }, { ...RSA, use: 'enc' }, RSA] },
  ].map((set) => JSON.stringify(set)),
  words: [
    'kty',
    'RSA',
    'EC',
    'oct',
    'OKP',
    'k',
    'n',
    'e',
    'crv',
    'x',
    'y',
    'd',
    'use',
    'sig',
    'enc',
    'alg',
    'none',
    'RS256',
    'ES256',
    'HS256',
    'key_ops',
    'verify',
    'keys',
    'kid',
  ],
  run: (input) => {
    const text = textOf(input);
    const open = KeySet.parse(text, { secrets: false });
    const inline = KeySet.parse(text, { secrets: true });
    if (open.ok) assert.ok(inline.ok, 'keys are fewer where secrets count');
    if (open.ok)
      assert.equal(open.value.candidates('HS256', undefined).length, 0, 'a published secret verifies tokens');
    if (!inline.ok) return outcome(inline.problem);
    const found = (['RS256', 'ES256', 'HS256'] as const).map((name) => inline.value.candidates(name, undefined).length);
    assert.ok(
      found.every((count) => count <= 16),
      'more keys than anybody should try',
    );
    return `read ${String(open.ok)} ${found.map((count) => Math.min(count, 2)).join(' ')}`;
  },
};
