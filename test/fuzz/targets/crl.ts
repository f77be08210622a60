import assert from 'node:assert/strict';

import { isCrlOf, parseCertificate, parseCrl } from '@rampart/spiffe';

import { outcome, type FuzzTarget } from '../engine/target.ts';
import { CERTIFICATE_SEEDS, CRL_SEEDS } from './certificate-seeds.ts';

const decode = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));
const GOOD = decode(CRL_SEEDS.two);
const issuer = parseCertificate(decode(CRL_SEEDS.issuer));
const words = [
  '0603551d14',
  '0603551d15',
  '0603551d1b',
  '0603551d1c',
  '0a0101',
  '0101ff',
  '3000',
  '170d',
  '180f',
  'a000',
  '0201ff',
];

/** Revocation lists of strangers, in DER. */
export const crl: FuzzTarget = {
  name: 'crl',
  form: 'bytes',
  seeds: [GOOD, decode(CRL_SEEDS.empty), decode(CERTIFICATE_SEEDS.root)],
  words: words.map((hex) => new Uint8Array(Buffer.from(hex, 'hex'))),
  run: (input) => {
    const list = parseCrl(input);
    if (!list.ok) return outcome(list.problem);
    assert.ok(Buffer.from(list.value.der).equals(Buffer.from(input)), 'what was read is not what was given');
    for (const { serial, at } of list.value.revoked) {
      assert.match(serial, /^(?:[0-9a-f]{2}){1,20}$/, 'a serial number in another form');
      assert.ok(Number.isSafeInteger(at), 'a time that is none');
    }
    assert.ok(issuer.ok);
    const isSound = isCrlOf(list.value, issuer.value);
    const known = [GOOD, decode(CRL_SEEDS.empty)].some((seed) => Buffer.from(input).equals(seed));
    assert.equal(isSound, known, 'a list that nobody signed passes');
    return `read ${Math.min(list.value.revoked.length, 2)} ${String(isSound)}`;
  },
};
