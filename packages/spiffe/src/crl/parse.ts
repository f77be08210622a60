import { fail, type Result } from '@rampart/core';
import { readName } from '../certificate/name.ts';
import type { ParsedCertificate } from '../certificate/parsed-certificate.ts';
import { OID } from '../der/oid.ts';
import { readBoolean, readInteger, readOctetAlignedBits, readOid, readSmallInteger } from '../der/primitives.ts';
import { decodeDer, DerProblem, type DerReader } from '../der/reader.ts';
import { contextConstructedTag, contextTag, TAG } from '../der/tag.ts';
import { readTime } from '../der/time.ts';
import { readSignatureAlgorithm, verifySignature } from '../signature.ts';
import { readRevoked, type RevokedCertificate } from './revoked-certificate.ts';

/** What a revocation list says beside what is revoked. */
export interface CrlFrame {
  readonly der: Uint8Array;
  /** The signed part. */
  readonly tbs: Uint8Array;
  /** Dotted signature algorithm. */
  readonly signatureAlgorithm: string;
  readonly signature: Uint8Array;
  /** DER of the issuer's name. */
  readonly issuer: Uint8Array;
  /** Unix milliseconds. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** Grows with every list of this issuer. */
  readonly number: bigint;
  readonly authorityKeyId: Uint8Array | undefined;
}

/** A complete X.509 v2 revocation list (RFC 5280 §5), read but not yet judged. Byte fields are views of one private copy. */
export interface ParsedCrl extends CrlFrame {
  readonly revoked: readonly RevokedCertificate[];
}

interface CrlExtensions {
  number?: bigint;
  authorityKeyId?: Uint8Array;
}

/** Some hundred thousand lines. */
const MAX_CRL_BYTES = 16 * 1024 * 1024 - 1;
const MAX_NUMBER_OCTETS = 20;
const VERSION_2 = 1;

/** Reads one list. Only strict DER of version 2 with a number and an end passes; lists for a part of the certificates, and deltas, do not. */
export function parseCrl(der: Uint8Array): Result<ParsedCrl, string> {
  if (der.length > MAX_CRL_BYTES) return fail(`the revocation list is larger than ${MAX_CRL_BYTES} bytes`);
  const copy = new Uint8Array(der);
  return decodeDer(copy, (reader) => {
    const { frame, list } = readCrl(copy, reader);
    return { ...frame, revoked: list === undefined ? [] : readList(list) };
  });
}

/** The same, but for the lines: those are not read. For whoever has written them. */
export function parseCrlAround(der: Uint8Array): Result<CrlFrame & { readonly lines: Uint8Array }, string> {
  return decodeDer(der, (reader) => {
    const { frame, list } = readCrl(der, reader);
    return { ...frame, lines: list?.content ?? new Uint8Array() };
  });
}

/** Whether the list is signed by this authority: its name, its key, and its right to sign lists (RFC 5280 §6.3.3). */
export function isCrlOf(crl: CrlFrame, issuer: ParsedCertificate): boolean {
  if (Buffer.compare(crl.issuer, issuer.subject) !== 0 || !(issuer.keyUsage?.has('cRLSign') ?? false)) return false;
  const { signatureAlgorithm: algorithm, tbs: data, signature } = crl;
  return verifySignature({ algorithm, data, signature }, issuer.publicKey);
}

function readCrl(
  der: Uint8Array,
  reader: DerReader,
): { readonly frame: CrlFrame; readonly list: DerReader | undefined } {
  const what = 'the revocation list';
  const outer = reader.enter(TAG.sequence, what);
  const signed = outer.enter(TAG.sequence, 'the signed part');
  if (readSmallInteger(signed, 'the version') !== VERSION_2) throw new DerProblem(`${what} is not of version 2`);
  const inner = readSignatureAlgorithm(signed).encoded;
  const issuer = readName(signed, 'the issuer').encoded;
  const thisUpdate = readTime(signed, 'the time of this list');
  const nextUpdate = readTime(signed, 'the time of the next list');
  const list = signed.enterOptional(TAG.sequence, 'the revoked certificates');
  const extensions = readExtensions(signed);
  signed.end('the signed part');
  const algorithm = readSignatureAlgorithm(outer);
  if (Buffer.compare(algorithm.encoded, inner) !== 0) throw new DerProblem('the two signature algorithms differ');
  const signature = readOctetAlignedBits(outer, 'the signature');
  outer.end(what);
  const { number, authorityKeyId } = extensions;
  if (number === undefined) throw new DerProblem(`${what} has no number`);
  const times = { thisUpdate, nextUpdate };
  const parts = { der, tbs: signed.encoded, signatureAlgorithm: algorithm.name, signature, issuer, ...times };
  return { frame: { ...parts, number, authorityKeyId }, list };
}

function readList(list: DerReader): readonly RevokedCertificate[] {
  // An empty list MUST be absent (RFC 5280 §5.1.2.6).
  if (list.done) throw new DerProblem('the revoked certificates are empty');
  const revoked: RevokedCertificate[] = [];
  while (!list.done) revoked.push(readRevoked(list));
  return revoked;
}

function readExtensions(signed: DerReader): CrlExtensions {
  const what = 'the extensions';
  const wrapper = signed.enter(contextConstructedTag(0), what);
  const list = wrapper.enter(TAG.sequence, what);
  wrapper.end(what);
  const into: CrlExtensions = {};
  const seen = new Set<string>();
  while (!list.done) readExtension(list.enter(TAG.sequence, 'an extension'), seen, into);
  return into;
}

function readExtension(fields: DerReader, seen: Set<string>, into: CrlExtensions): void {
  const name = readOid(fields, 'the name of an extension');
  const what = `extension ${name}`;
  if (seen.has(name)) throw new DerProblem(`${what} appears twice`);
  seen.add(name);
  const isCritical = fields.peek() === TAG.boolean && readBoolean(fields, what);
  const value = fields.enter(TAG.octetString, what);
  fields.end(what);
  if (name === OID.crlNumber) into.number = readNumber(value);
  else if (name === OID.authorityKeyIdentifier) readAuthorityKeyId(value, into);
  // Issuing distribution point and delta indicator narrow what the list is about; both are critical (RFC 5280 §5.2.4, §5.2.5).
  else if (isCritical) throw new DerProblem(`${what} cannot be honoured`);
}

function readNumber(value: DerReader): bigint {
  const octets = readInteger(value, 'the number of the list');
  value.end('the number of the list');
  if ((octets[0] ?? 0) >= 0x80 || octets.length > MAX_NUMBER_OCTETS) {
    throw new DerProblem(`the number of the list is negative or has more than ${MAX_NUMBER_OCTETS} bytes`);
  }
  return BigInt(`0x${Buffer.from(octets).toString('hex')}`);
}

function readAuthorityKeyId(value: DerReader, into: CrlExtensions): void {
  const what = 'the authority key identifier';
  const fields = value.enter(TAG.sequence, what);
  if (fields.peek() === contextTag(0)) into.authorityKeyId = fields.any(what).content;
  while (!fields.done) fields.any(what);
  value.end(what);
}
