import { RampartError } from '@rampart/core';
import { decodeDer } from '../der/reader.ts';
import { isUncompressedP256, type PublicKeyInfo, readPublicKeyInfo } from '../public-key-info.ts';
import { checkAuthorityProfile } from '../svid/authority-profile.ts';
import { parseIpAddress } from '../certificate/ip-address.ts';
import type { ParsedCertificate } from '../certificate/parsed-certificate.ts';
import type { CertificateTemplate, ServerTemplate } from './template.ts';

const MAX_SERIAL_OCTETS = 20;
const MAX_COMMON_NAME = 64;
const MAX_DNS_NAME = 253;
const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const FIRST_YEAR = Date.UTC(1950, 0);
const LAST_MOMENT = Date.UTC(10_000, 0) - 1;

/**
 * Refuses a template that no correct certificate can come from; answers with its public key.
 * @throws RampartError INVALID_ARGUMENT naming the field.
 */
export function checkTemplate(template: CertificateTemplate): PublicKeyInfo {
  checkSerial(template.serial);
  const key = readKey(template.publicKeyDer);
  checkValidity(template);
  if (template.kind === 'root' || template.kind === 'intermediate') checkCommonName(template.commonName);
  if (template.kind === 'workload' || template.kind === 'server') {
    const { crlUrl = 'http://localhost' } = template;
    demand(/^https?:\/\/[!-~]+$/.test(crlUrl), 'crlUrl', 'is not an http or https URL in ASCII');
    demand(template.spiffeId.path !== '', 'spiffeId', 'names a trust domain; a leaf needs a path');
  }
  if (template.kind === 'server') checkHosts(template);
  if (template.kind !== 'root') checkIssuer(template, template.issuer);
  return key;
}

function checkSerial(serial: Uint8Array): void {
  const first = serial.findIndex((octet) => octet !== 0);
  const octets = serial.length - first + ((serial[first] ?? 0) >= 0x80 ? 1 : 0);
  demand(
    first !== -1 && octets <= MAX_SERIAL_OCTETS,
    'serial',
    `is not a positive number of at most ${MAX_SERIAL_OCTETS} bytes`,
  );
}

function readKey(publicKeyDer: Uint8Array): PublicKeyInfo {
  const key = decodeDer(publicKeyDer, readPublicKeyInfo);
  if (key.ok && isUncompressedP256(key.value)) return key.value;
  throw invalid('publicKeyDer', 'is not an EC P-256 key with an uncompressed point');
}

function checkValidity({ notBefore, notAfter }: CertificateTemplate): void {
  demand(
    notBefore >= FIRST_YEAR && notAfter <= LAST_MOMENT,
    'notBefore',
    'and notAfter have to lie between 1950 and 9999',
  );
  demand(notAfter > notBefore, 'notAfter', 'is not after notBefore');
}

function checkCommonName(commonName: string): void {
  demand(
    commonName !== '' && commonName.length <= MAX_COMMON_NAME,
    'commonName',
    `is not 1 to ${MAX_COMMON_NAME} characters long`,
  );
}

function checkHosts({ dnsNames = [], ipAddresses = [] }: ServerTemplate): void {
  for (const name of dnsNames)
    demand(isDnsName(name), 'dnsNames', `holds ${JSON.stringify(name)}, which is not a host name`);
  for (const address of ipAddresses) {
    demand(
      parseIpAddress(address) !== undefined,
      'ipAddresses',
      `holds ${JSON.stringify(address)}, which is not an IP address`,
    );
  }
}

function isDnsName(name: string): boolean {
  const labels = (name.startsWith('*.') ? name.slice(2) : name).split('.');
  return name.length <= MAX_DNS_NAME && labels.every((label) => DNS_LABEL.test(label));
}

function checkIssuer(template: Exclude<CertificateTemplate, { kind: 'root' }>, issuer: ParsedCertificate): void {
  const own = profileOf(issuer);
  demand(own.ok, 'issuer', own.ok ? '' : `cannot sign: ${own.problem.message}`);
  const domain = template.kind === 'intermediate' ? template.trustDomain : template.spiffeId.trustDomain;
  const sameDomain = own.ok && (own.value === undefined || own.value.equals(domain));
  demand(sameDomain, 'issuer', `is not of trust domain ${domain.name}`);
  demand(template.kind !== 'intermediate' || issuer.pathLength !== 0, 'issuer', 'allows no intermediate below it');
  const inside = template.notBefore >= issuer.notBefore && template.notAfter <= issuer.notAfter;
  demand(inside, 'notBefore', 'and notAfter reach beyond the validity of the issuer');
}

/** An issuer's is asked for with every certificate that it signs. */
const profiles = new WeakMap<ParsedCertificate, ReturnType<typeof checkAuthorityProfile>>();

function profileOf(issuer: ParsedCertificate): ReturnType<typeof checkAuthorityProfile> {
  const known = profiles.get(issuer) ?? checkAuthorityProfile(issuer);
  profiles.set(issuer, known);
  return known;
}

type Field = keyof ServerTemplate | 'commonName';

function demand(condition: boolean, field: Field, what: string): void {
  if (!condition) throw invalid(field, what);
}

function invalid(field: Field, what: string): RampartError {
  return new RampartError('INVALID_ARGUMENT', `certificate template: ${field} ${what}`);
}
