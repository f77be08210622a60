import { hash } from 'node:crypto';
import { OID } from '../der/oid.ts';
import {
  booleanTrue,
  context,
  contextConstructed,
  namedBits,
  octetString,
  oid,
  sequence,
  smallInteger,
} from '../der/writer.ts';
import { parseIpAddress } from '../certificate/ip-address.ts';
import { type KeyUsage, keyUsagePosition } from '../certificate/key-usage.ts';

const KEY_ID_OCTETS = 20;
const ASCII = new TextEncoder();

/** GeneralName choices (RFC 5280 §4.2.1.6). */
const DNS_NAME = 2;
const URI = 6;
const IP_ADDRESS = 7;

/** Names to be written into a SubjectAltName. */
export interface AlternativeNames {
  readonly uri: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

/** Leftmost 160 bits of the SHA-256 of the key's bits (RFC 7093 §2 method 1). */
export function keyIdOf(publicKeyBits: Uint8Array): Uint8Array {
  return new Uint8Array(hash('sha256', publicKeyBits, 'buffer').subarray(0, KEY_ID_OCTETS));
}

export function basicConstraints(pathLength: number | undefined): Uint8Array {
  const limit = pathLength === undefined ? [] : [smallInteger(pathLength)];
  return extension(OID.basicConstraints, 'critical', sequence(booleanTrue(), ...limit));
}

/** The empty sequence: not a CA. */
export function leafConstraints(): Uint8Array {
  return extension(OID.basicConstraints, 'critical', sequence());
}

export function keyUsage(...usages: readonly KeyUsage[]): Uint8Array {
  return extension(OID.keyUsage, 'critical', namedBits(...usages.map(keyUsagePosition)));
}

/** TLS server and client: a service is both. */
export function bothSidesOfTls(): Uint8Array {
  return extension(OID.extendedKeyUsage, 'optional', sequence(oid(OID.serverAuth), oid(OID.clientAuth)));
}

export function subjectKeyId(id: Uint8Array): Uint8Array {
  return extension(OID.subjectKeyIdentifier, 'optional', octetString(id));
}

export function authorityKeyId(id: Uint8Array): Uint8Array {
  return extension(OID.authorityKeyIdentifier, 'optional', sequence(context(0, id)));
}

export function subjectAltName(names: AlternativeNames, weight: Weight): Uint8Array {
  const dns = names.dnsNames.map((name) => context(DNS_NAME, ASCII.encode(name)));
  const addresses = names.ipAddresses.flatMap((address) => parseIpAddress(address) ?? []);
  const ip = addresses.map((octets) => context(IP_ADDRESS, octets));
  return extension(OID.subjectAltName, weight, sequence(context(URI, ASCII.encode(names.uri)), ...dns, ...ip));
}

/** One point with one URL (RFC 5280 §4.2.1.13). */
export function crlDistributionPoint(url: string): Uint8Array {
  const name = contextConstructed(0, contextConstructed(0, context(URI, ASCII.encode(url))));
  return extension(OID.crlDistributionPoints, 'optional', sequence(sequence(name)));
}

export type Weight = 'critical' | 'optional';

function extension(name: string, weight: Weight, value: Uint8Array): Uint8Array {
  return sequence(oid(name), ...(weight === 'critical' ? [booleanTrue()] : []), octetString(value));
}
