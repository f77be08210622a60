import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseCertificate } from '../certificate/parsed-certificate.ts';
import { OID } from '../der/oid.ts';
import {
  booleanTrue,
  context,
  contextConstructed,
  encode,
  namedBits,
  oid,
  sequence,
  smallInteger,
} from '../der/writer.ts';
import * as write from '../issuance/extension-writer.ts';
import { extension, type Forgery, forgeAuthority, forgeWorkload, uriNames } from '../testing/forgery.ts';
import { createTestAuthority, WEB } from '../testing/test-authority.ts';
import { checkAuthorityProfile } from './authority-profile.ts';
import { checkWorkloadProfile } from './workload-profile.ts';

const authority = await createTestAuthority();

/** "ok", the code of the refusal, or "unreadable: …". */
function judge(der: Uint8Array, check: typeof checkWorkloadProfile | typeof checkAuthorityProfile): string {
  const certificate = parseCertificate(der);
  if (!certificate.ok) return `unreadable: ${certificate.problem}`;
  const result = check(certificate.value);
  return result.ok ? 'ok' : result.problem.code;
}

type Extensions = Forgery['extensions'];
type Case = readonly [
  rule: string,
  changes: Extensions | (Partial<Forgery> & { readonly subject: Uint8Array }),
  expected: string,
];

const ascii = new TextEncoder();
const keyUsageOf = (critical: boolean, ...positions: readonly number[]): Uint8Array =>
  extension(OID.keyUsage, { critical, value: namedBits(...positions) });
const purposesOf = (...purposes: readonly string[]): Uint8Array =>
  extension(OID.extendedKeyUsage, { critical: false, value: sequence(...purposes.map(oid)) });
const namesOf = (...names: readonly Uint8Array[]): Uint8Array =>
  extension(OID.subjectAltName, { critical: false, value: sequence(...names) });

const WORKLOAD_CASES: readonly Case[] = [
  // X509-SVID §2: SPIFFE ID
  ['one URI SAN that is a SPIFFE ID is right', {}, 'ok'],
  ['no URI SAN is refused', { subjectAltName: undefined }, 'NO_URI_SAN'],
  [
    'a DNS SAN alone is no identity',
    { subjectAltName: namesOf(context(2, ascii.encode('web.default.svc'))) },
    'NO_URI_SAN',
  ],
  ['two URI SANs are refused', { subjectAltName: uriNames(WEB, `${WEB}2`) }, 'MULTIPLE_URI_SANS'],
  ['two equal URI SANs are refused', { subjectAltName: uriNames(WEB, WEB) }, 'MULTIPLE_URI_SANS'],
  [
    'a second URI SAN of another scheme is refused',
    { subjectAltName: uriNames(WEB, 'https://example.org/') },
    'MULTIPLE_URI_SANS',
  ],
  [
    'any number of DNS and IP SANs beside the URI is right',
    {
      subjectAltName: namesOf(
        context(2, ascii.encode('a.b')),
        context(6, ascii.encode(WEB)),
        context(7, Uint8Array.of(1, 2, 3, 4)),
      ),
    },
    'ok',
  ],
  [
    'mail and directory names are passed over',
    {
      subjectAltName: namesOf(
        context(1, ascii.encode('a@b')),
        contextConstructed(4, sequence()),
        context(6, ascii.encode(WEB)),
      ),
    },
    'ok',
  ],
  [
    'another scheme is refused',
    { subjectAltName: uriNames('https://cluster.local/ns/default/sa/web') },
    'NOT_A_SPIFFE_ID',
  ],
  [
    'an upper-case scheme is refused',
    { subjectAltName: uriNames('SPIFFE://cluster.local/ns/default/sa/web') },
    'NOT_A_SPIFFE_ID',
  ],
  [
    'an upper-case trust domain is refused',
    { subjectAltName: uriNames('spiffe://Cluster.local/ns/default/sa/web') },
    'NOT_A_SPIFFE_ID',
  ],
  ['a SPIFFE ID without path is refused', { subjectAltName: uriNames('spiffe://cluster.local') }, 'NOT_A_SPIFFE_ID'],
  [
    'a SPIFFE ID with an empty path is refused',
    { subjectAltName: uriNames('spiffe://cluster.local/') },
    'NOT_A_SPIFFE_ID',
  ],
  [
    'a port is refused',
    { subjectAltName: uriNames('spiffe://cluster.local:8443/ns/default/sa/web') },
    'NOT_A_SPIFFE_ID',
  ],
  [
    'user information is refused',
    { subjectAltName: uriNames('spiffe://web@cluster.local/ns/default/sa/web') },
    'NOT_A_SPIFFE_ID',
  ],
  ['a query is refused', { subjectAltName: uriNames(`${WEB}?a=b`) }, 'NOT_A_SPIFFE_ID'],
  ['a fragment is refused', { subjectAltName: uriNames(`${WEB}#a`) }, 'NOT_A_SPIFFE_ID'],
  [
    'percent-encoding is refused',
    { subjectAltName: uriNames('spiffe://cluster.local/ns/default/sa/%77eb') },
    'NOT_A_SPIFFE_ID',
  ],
  [
    'dot segments are refused',
    { subjectAltName: uriNames('spiffe://cluster.local/ns/other/../default/sa/web') },
    'NOT_A_SPIFFE_ID',
  ],
  ['2048 bytes are right', { subjectAltName: uriNames(`${WEB}/${'a'.repeat(2048 - WEB.length - 1)}`) }, 'ok'],
  [
    '2049 bytes are refused',
    { subjectAltName: uriNames(`${WEB}/${'a'.repeat(2048 - WEB.length)}`) },
    'NOT_A_SPIFFE_ID',
  ],
  [
    'a NUL in the URI is unreadable',
    { subjectAltName: uriNames(`${WEB}\0.evil.example`) },
    'unreadable: a URI in the subject alternative name is not visible ASCII',
  ],
  [
    'a non-ASCII byte in the URI is unreadable',
    { subjectAltName: uriNames(`${WEB}é`) },
    'unreadable: a URI in the subject alternative name is not visible ASCII',
  ],
  [
    'an empty URI is unreadable',
    { subjectAltName: uriNames('') },
    'unreadable: a URI in the subject alternative name is not visible ASCII',
  ],
  [
    'an empty SAN is unreadable',
    { subjectAltName: namesOf() },
    'unreadable: the subject alternative name holds no name',
  ],
  [
    'an IP SAN of 5 bytes is unreadable',
    { subjectAltName: namesOf(context(6, ascii.encode(WEB)), context(7, new Uint8Array(5))) },
    'unreadable: an IP address in the subject alternative name is not 4 or 16 bytes',
  ],
  [
    'an unknown kind of name is unreadable',
    { subjectAltName: namesOf(context(6, ascii.encode(WEB)), context(9, new Uint8Array(1))) },
    'unreadable: the subject alternative name holds an unknown kind of name',
  ],
  // X509-SVID §3.1 and §4.1: basic constraints
  ['no basic constraints at all are right', { basicConstraints: undefined }, 'ok'],
  ['the CA flag is refused', { basicConstraints: write.basicConstraints(undefined) }, 'CA_CERTIFICATE'],
  ['the CA flag with path length is refused', { basicConstraints: write.basicConstraints(0) }, 'CA_CERTIFICATE'],
  [
    'the CA flag is refused without being critical too',
    { basicConstraints: extension(OID.basicConstraints, { critical: false, value: sequence(booleanTrue()) }) },
    'CA_CERTIFICATE',
  ],
  [
    'a CA flag spelled out as FALSE is not DER',
    {
      basicConstraints: extension(OID.basicConstraints, {
        critical: true,
        value: sequence(encode(1, Uint8Array.of(0))),
      }),
    },
    'unreadable: the basic constraints say something other than "CA"',
  ],
  [
    'a path length without CA flag is unreadable',
    { basicConstraints: extension(OID.basicConstraints, { critical: true, value: sequence(smallInteger(0)) }) },
    'unreadable: the basic constraints say something other than "CA"',
  ],
  // X509-SVID §4.3: key usage
  ['no key usage is refused', { keyUsage: undefined }, 'BAD_KEY_USAGE'],
  ['key usage that is not critical is refused', { keyUsage: keyUsageOf(false, 0) }, 'BAD_KEY_USAGE'],
  ['key usage without digitalSignature is refused', { keyUsage: keyUsageOf(true, 2) }, 'BAD_KEY_USAGE'],
  ['keyEncipherment and keyAgreement beside it are right', { keyUsage: keyUsageOf(true, 0, 2, 4) }, 'ok'],
  ['keyCertSign is refused', { keyUsage: keyUsageOf(true, 0, 5) }, 'BAD_KEY_USAGE'],
  ['cRLSign is refused', { keyUsage: keyUsageOf(true, 0, 6) }, 'BAD_KEY_USAGE'],
  [
    'an unknown key usage bit is unreadable',
    { keyUsage: extension(OID.keyUsage, { critical: true, value: encode(3, Uint8Array.of(6, 0x80, 0, 0x40)) }) },
    'unreadable: the key usage has an unknown bit',
  ],
  [
    'an empty key usage is unreadable',
    { keyUsage: extension(OID.keyUsage, { critical: true, value: encode(3, Uint8Array.of(0)) }) },
    'unreadable: the key usage is empty',
  ],
  // X509-SVID §4.4: extended key usage
  ['no extended key usage is right', { extendedKeyUsage: undefined }, 'ok'],
  [
    'extended key usage may be critical',
    {
      extendedKeyUsage: extension(OID.extendedKeyUsage, {
        critical: true,
        value: sequence(oid(OID.serverAuth), oid(OID.clientAuth)),
      }),
    },
    'ok',
  ],
  [
    'extended key usage with more purposes is right',
    { extendedKeyUsage: purposesOf('1.3.6.1.5.5.7.3.3', OID.clientAuth, OID.serverAuth) },
    'ok',
  ],
  ['serverAuth alone is refused', { extendedKeyUsage: purposesOf(OID.serverAuth) }, 'BAD_KEY_USAGE'],
  ['clientAuth alone is refused', { extendedKeyUsage: purposesOf(OID.clientAuth) }, 'BAD_KEY_USAGE'],
  ['anyExtendedKeyUsage does not stand for the two', { extendedKeyUsage: purposesOf('2.5.29.37.0') }, 'BAD_KEY_USAGE'],
  [
    'an empty extended key usage is unreadable',
    { extendedKeyUsage: purposesOf() },
    'unreadable: the extended key usage is empty',
  ],
  // X509-SVID §2, RFC 5280 §4.1.2.6: subject
  ['an empty subject with a SAN that is not critical is refused', { subject: sequence() }, 'MALFORMED'],
  [
    'an empty subject with a critical SAN is right',
    {
      subject: sequence(),
      extensions: {
        subjectAltName: extension(OID.subjectAltName, {
          critical: true,
          value: sequence(context(6, ascii.encode(WEB))),
        }),
      },
    },
    'ok',
  ],
  // RFC 5280 §4.2: extensions
  [
    'an unknown extension is passed over',
    { unknown: extension('1.2.3.4', { critical: false, value: sequence() }) },
    'ok',
  ],
  [
    'an unknown critical extension is refused',
    { unknown: extension('1.2.3.4', { critical: true, value: sequence() }) },
    'MALFORMED',
  ],
  ['an extension twice is unreadable', { again: uriNames(WEB) }, 'unreadable: extension 2.5.29.17 appears twice'],
  [
    'critical FALSE spelled out is not DER',
    { unknown: sequence(oid('1.2.3.4'), encode(1, Uint8Array.of(0)), encode(4)) },
    'unreadable: extension 1.2.3.4 spells out critical FALSE',
  ],
];

describe('workload profile (X509-SVID, leaf)', () => {
  for (const [rule, changes, expected] of WORKLOAD_CASES) {
    it(`${rule}: ${expected}`, () => {
      const forgery = 'subject' in changes && !(changes instanceof Uint8Array) ? changes : { extensions: changes };
      assert.equal(judge(forgeWorkload(authority, forgery as Partial<Forgery>), checkWorkloadProfile), expected);
    });
  }
});

const AUTHORITY_CASES: readonly (readonly [rule: string, extensions: Extensions, expected: string])[] = [
  ['CA flag, keyCertSign and a bare trust domain are right', {}, 'ok'],
  ['no SPIFFE ID is right', { subjectAltName: undefined }, 'ok'],
  ['cRLSign is not needed', { keyUsage: write.keyUsage('keyCertSign') }, 'ok'],
  ['no CA flag is refused', { basicConstraints: write.leafConstraints() }, 'UNTRUSTED'],
  ['no basic constraints are refused', { basicConstraints: undefined }, 'UNTRUSTED'],
  [
    'basic constraints that are not critical are refused',
    { basicConstraints: extension(OID.basicConstraints, { critical: false, value: sequence(booleanTrue()) }) },
    'UNTRUSTED',
  ],
  ['no key usage is refused', { keyUsage: undefined }, 'BAD_KEY_USAGE'],
  ['key usage that is not critical is refused', { keyUsage: keyUsageOf(false, 5) }, 'BAD_KEY_USAGE'],
  ['key usage without keyCertSign is refused', { keyUsage: keyUsageOf(true, 0, 6) }, 'BAD_KEY_USAGE'],
  ['a SPIFFE ID with a path is refused', { subjectAltName: uriNames(WEB) }, 'NOT_A_SPIFFE_ID'],
  ['another URI is refused', { subjectAltName: uriNames('https://cluster.local') }, 'NOT_A_SPIFFE_ID'],
  [
    'two URIs are refused',
    { subjectAltName: uriNames('spiffe://cluster.local', 'spiffe://example.org') },
    'MULTIPLE_URI_SANS',
  ],
  [
    'an unknown critical extension is refused',
    { unknown: extension('1.2.3.4', { critical: true, value: sequence() }) },
    'UNTRUSTED',
  ],
  [
    'name constraints, which nothing here honours, are refused',
    { names: extension(OID.nameConstraints, { critical: false, value: sequence() }) },
    'UNTRUSTED',
  ],
];

describe('authority profile (X509-SVID, signing)', () => {
  for (const [rule, extensions, expected] of AUTHORITY_CASES) {
    it(`${rule}: ${expected}`, () => {
      assert.equal(judge(forgeAuthority(authority, { extensions }), checkAuthorityProfile), expected);
    });
  }
});
