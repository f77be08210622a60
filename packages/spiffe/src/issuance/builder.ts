import { randomBytes } from 'node:crypto';
import { RampartError, type Result } from '@rampart/core';
import { decodeDer } from '../der/reader.ts';
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
import { readPublicKeyInfo } from '../public-key-info.ts';
import { checkBuilt } from './built-check.ts';
import * as write from './extension-writer.ts';
import type { CertificateTemplate } from './template.ts';
import { checkTemplate } from './template-check.ts';

const ORGANIZATION = 'Rampart';
const VERSION_3 = 2;
const SERIAL_OCTETS = 16;

/** Signs the DER of the signed part with the issuer's key: ECDSA P-256, SHA-256, signature in DER. */
export type TbsSigner = (tbs: Uint8Array) => Promise<Uint8Array> | Uint8Array;

/**
 * Builds a certificate (RFC 5280 with the X509-SVID profile of its kind) and has it signed. The result is read back by
 * the same strict reader that peers use, its signature verified and its profile checked before it is given out.
 * @throws RampartError INVALID_ARGUMENT for a template that no correct certificate can come from.
 * @throws RampartError INTERNAL when what came out is not what was asked for: a wrong key behind `sign`, or a bug.
 */
export async function buildCertificate(template: CertificateTemplate, sign: TbsSigner): Promise<ParsedCertificate> {
  checkTemplate(template);
  const tbs = signedPart(template);
  const signature = await sign(tbs);
  const der = sequence(tbs, signatureAlgorithm(), bitString(signature));
  return checkBuilt(der, template);
}

/** A serial number that nobody can guess and none has had before: 126 random bits, always 16 bytes long. */
export function randomSerial(): Uint8Array {
  const serial = new Uint8Array(randomBytes(SERIAL_OCTETS));
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial;
}

function signedPart(template: CertificateTemplate): Uint8Array {
  const subject = subjectOf(template);
  return sequence(
    contextConstructed(0, smallInteger(VERSION_3)),
    unsignedInteger(template.serial),
    signatureAlgorithm(),
    template.kind === 'root' ? subject : template.issuer.subject,
    sequence(encodeTime(template.notBefore), encodeTime(template.notAfter)),
    subject,
    template.publicKeyDer,
    contextConstructed(3, sequence(...extensionsOf(template))),
  );
}

function signatureAlgorithm(): Uint8Array {
  return sequence(oid(OID.ecdsaWithSha256));
}

function subjectOf(template: CertificateTemplate): Uint8Array {
  const organization = attribute(OID.organization, ORGANIZATION);
  if (template.kind === 'root' || template.kind === 'intermediate') {
    return sequence(organization, attribute(OID.commonName, template.commonName));
  }
  return template.emptySubject === true ? sequence() : sequence(organization);
}

function attribute(name: string, value: string): Uint8Array {
  return set(sequence(oid(name), utf8String(value)));
}

function extensionsOf(template: CertificateTemplate): readonly Uint8Array[] {
  const ids = keyIds(template);
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
    write.leafConstraints(),
    write.keyUsage('digitalSignature'),
    write.bothSidesOfTls(),
    ...ids,
    write.subjectAltName(names, template.emptySubject === true ? 'critical' : 'optional'),
    ...(template.crlUrl === undefined ? [] : [write.crlDistributionPoint(template.crlUrl)]),
  ];
}

function keyIds(template: CertificateTemplate): readonly Uint8Array[] {
  const own = write.subjectKeyId(write.keyIdOf(valueOf(decodeDer(template.publicKeyDer, readPublicKeyInfo)).bits));
  if (template.kind === 'root') return [own];
  const issuerId = template.issuer.subjectKeyId ?? write.keyIdOf(template.issuer.publicKey.bits);
  return [own, write.authorityKeyId(issuerId)];
}

function valueOf<T>(result: Result<T, string>): T {
  if (!result.ok) throw new RampartError('INTERNAL', `BUG: a checked public key is not readable: ${result.problem}`);
  return result.value;
}
