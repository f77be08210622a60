import { OID } from '../der/oid.ts';
import { encodeTime } from '../der/time.ts';
import {
  bitString,
  contextConstructed,
  oid,
  sequence,
  set,
  smallInteger,
  unsignedInteger,
  utf8String,
} from '../der/writer.ts';
import type { ParsedCertificate } from '../certificate/parsed-certificate.ts';
import type { PublicKeyInfo } from '../public-key-info.ts';
import { checkBuilt } from './built-check.ts';
import * as write from './extension-writer.ts';
import type { CertificateTemplate } from './template.ts';
import { checkTemplate } from './template-check.ts';

const ORGANIZATION = 'Rampart';
const VERSION_3 = 2;

// What stands in every certificate or in every leaf is encoded once.
const VERSION = contextConstructed(0, smallInteger(VERSION_3));
const SIGNATURE_ALGORITHM = sequence(oid(OID.ecdsaWithSha256));
const ORGANIZATION_NAME = attribute(OID.organization, ORGANIZATION);
const LEAF_SUBJECT = sequence(ORGANIZATION_NAME);
const EMPTY_SUBJECT = sequence();
const LEAF_USE = [write.leafConstraints(), write.keyUsage('digitalSignature'), write.bothSidesOfTls()] as const;

/** Signs the DER of the signed part with the issuer's key: ECDSA P-256, SHA-256, signature in DER. */
export type TbsSigner = (tbs: Uint8Array) => Promise<Uint8Array> | Uint8Array;

/**
 * Builds a certificate (RFC 5280 with the X509-SVID profile of its kind) and has it signed. The result is read back by
 * the same strict reader that peers use, its signature verified and its profile checked before it is given out.
 * @throws RampartError INVALID_ARGUMENT for a template that no correct certificate can come from.
 * @throws RampartError INTERNAL when what came out is not what was asked for: a wrong key behind `sign`, or a bug.
 */
export async function buildCertificate(template: CertificateTemplate, sign: TbsSigner): Promise<ParsedCertificate> {
  const key = checkTemplate(template);
  const tbs = signedPart(template, key);
  const signature = await sign(tbs);
  const der = sequence(tbs, SIGNATURE_ALGORITHM, bitString(signature));
  return checkBuilt(der, template);
}

function signedPart(template: CertificateTemplate, key: PublicKeyInfo): Uint8Array {
  const subject = subjectOf(template);
  return sequence(
    VERSION,
    unsignedInteger(template.serial),
    SIGNATURE_ALGORITHM,
    template.kind === 'root' ? subject : template.issuer.subject,
    sequence(encodeTime(template.notBefore), encodeTime(template.notAfter)),
    subject,
    template.publicKeyDer,
    contextConstructed(3, sequence(...extensionsOf(template, key))),
  );
}

function subjectOf(template: CertificateTemplate): Uint8Array {
  if (template.kind === 'root' || template.kind === 'intermediate') {
    return sequence(ORGANIZATION_NAME, attribute(OID.commonName, template.commonName));
  }
  return template.emptySubject === true ? EMPTY_SUBJECT : LEAF_SUBJECT;
}

function attribute(name: string, value: string): Uint8Array {
  return set(sequence(oid(name), utf8String(value)));
}

function extensionsOf(template: CertificateTemplate, key: PublicKeyInfo): readonly Uint8Array[] {
  const ids = keyIds(template, key);
  if (template.kind === 'root' || template.kind === 'intermediate') {
    return [
      write.basicConstraints(template.kind === 'root' ? template.pathLength : 0),
      write.keyUsage('keyCertSign', 'cRLSign'),
      ...ids,
      write.subjectAltName({ uri: `spiffe://${template.trustDomain.name}`, dnsNames: [], ipAddresses: [] }, 'optional'),
    ];
  }
  const { dnsNames = [], ipAddresses = [] } = template.kind === 'server' ? template : {};
  const names = { uri: template.spiffeId.toString(), dnsNames, ipAddresses };
  return [
    ...LEAF_USE,
    ...ids,
    write.subjectAltName(names, template.emptySubject === true ? 'critical' : 'optional'),
    ...(template.crlUrl === undefined ? [] : [write.crlDistributionPoint(template.crlUrl)]),
  ];
}

function keyIds(template: CertificateTemplate, key: PublicKeyInfo): readonly Uint8Array[] {
  const own = write.subjectKeyId(write.keyIdOf(key.bits));
  if (template.kind === 'root') return [own];
  const issuerId = template.issuer.subjectKeyId ?? write.keyIdOf(template.issuer.publicKey.bits);
  return [own, write.authorityKeyId(issuerId)];
}
