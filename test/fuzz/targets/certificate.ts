import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';

import { checkAuthorityProfile, checkWorkloadProfile, parseCertificate, parseCsr, verifyChain } from '@rampart/spiffe';

import { outcome, type FuzzTarget } from '../engine/target.ts';
import { CERTIFICATE_SEEDS } from './certificate-seeds.ts';

const seeds = Object.values(CERTIFICATE_SEEDS).map((text) => new Uint8Array(Buffer.from(text, 'base64')));
const ROOT = new Uint8Array(Buffer.from(CERTIFICATE_SEEDS.root, 'base64'));
const LEAF = new Uint8Array(Buffer.from(CERTIFICATE_SEEDS.leaf, 'base64'));
const VALID_AT = Date.UTC(2026, 10, 21);
/** Object identifiers and tags that decide something. */
const words = [
  '0603551d11',
  '0603551d13',
  '0603551d0f',
  '0603551d25',
  '0603551d1e',
  '0101ff',
  '0500',
  '3000',
  '0280',
  '3080',
  '0000',
  '308400000001',
  '8600',
  '170d',
  '180f',
  'a003020102',
];

/** Certificates and signing requests of strangers, in DER. */
export const certificate: FuzzTarget = {
  name: 'certificate',
  form: 'bytes',
  seeds,
  words: words.map((hex) => new Uint8Array(Buffer.from(hex, 'hex'))),
  run: (input) => {
    const parsed = parseCertificate(input);
    const request = parseCsr(input);
    const chain = verifyChain([input], [ROOT], VALID_AT);
    if (chain.ok) assert.ok(Buffer.from(input).equals(LEAF), 'a changed certificate is verified');
    if (!parsed.ok) return outcome(`${parsed.problem} ${request.ok ? 'request' : request.problem.message}`);
    const workload = checkWorkloadProfile(parsed.value);
    const authority = checkAuthorityProfile(parsed.value);
    assert.ok(Buffer.from(parsed.value.der).equals(Buffer.from(input)), 'what was read is not what was given');
    const theirs = openssl(input);
    if (workload.ok && theirs !== undefined) {
      assert.equal(theirs.ca, false, 'OpenSSL takes for an authority what passes here for a workload');
      assert.equal(theirs.subjectAltName, `URI:${workload.value.toString()}`, 'OpenSSL reads another name');
    }
    return `read ${workload.ok ? 'workload' : workload.problem.code} ${outcome(JSON.stringify(authority) ?? '')} ${String(theirs !== undefined)}`;
  },
};

function openssl(der: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(der);
  } catch {
    return undefined;
  }
}
