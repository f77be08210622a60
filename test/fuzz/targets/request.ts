import assert from 'node:assert/strict';

import { parseCsr } from '@rampart/spiffe';

import { outcome, type FuzzTarget } from '../engine/target.ts';
import { CERTIFICATE_SEEDS } from './certificate-seeds.ts';

const decode = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));
const GOOD = Buffer.from(CERTIFICATE_SEEDS.request, 'base64');
/** SubjectPublicKeyInfo of an EC P-256 key with an uncompressed point. */
const KEY_OCTETS = 91;
const words = [
  '020100',
  '020101',
  '3000',
  'a000',
  '06082a8648ce3d0301',
  '06082a8648ce3d030107',
  '06092a864886f70d010101',
  '0500',
  '0280',
  '03420004',
];

/** Signing requests of strangers, in DER: whoever cannot sign with a key gets no certificate for it. */
export const request: FuzzTarget = {
  name: 'request',
  form: 'bytes',
  seeds: [GOOD, decode(CERTIFICATE_SEEDS.leaf), GOOD.subarray(0, 120)],
  words: words.map((hex) => new Uint8Array(Buffer.from(hex, 'hex'))),
  run: (input) => {
    const parsed = parseCsr(input);
    if (!parsed.ok) return outcome(`${parsed.problem.rule} ${parsed.problem.message}`);
    assert.ok(GOOD.equals(input), 'a changed request is taken for one that its sender signed');
    assert.equal(parsed.value.publicKeyDer.length, KEY_OCTETS);
    return 'request';
  },
};
