import { OID } from '../der/oid.ts';
import { readBoolean, readOid, readSmallInteger } from '../der/primitives.ts';
import { DerProblem, type DerReader } from '../der/reader.ts';
import { contextTag, TAG } from '../der/tag.ts';
import { type KeyUsage, readExtendedKeyUsage, readKeyUsage } from './key-usage.ts';
import { readSubjectAltNames, type SubjectAltNames } from './subject-alt-name.ts';

/** What the extensions of a certificate say, as far as SPIFFE and RFC 5280 path validation ask. */
export interface CertificateExtensions {
  subjectAltNames?: SubjectAltNames;
  isCa?: boolean;
  pathLength?: number | undefined;
  keyUsage?: ReadonlySet<KeyUsage>;
  extendedKeyUsage?: readonly string[];
  subjectKeyId?: Uint8Array;
  authorityKeyId?: Uint8Array | undefined;
  /** Dotted names of the extensions marked critical. */
  readonly critical: Set<string>;
  /** Dotted names of extensions that nothing here understands. */
  readonly unknown: Set<string>;
}

type ExtensionReader = (extension: DerReader, into: CertificateExtensions) => void;

const READERS: ReadonlyMap<string, ExtensionReader> = new Map<string, ExtensionReader>([
  [OID.subjectAltName, (extension, into) => void (into.subjectAltNames = readSubjectAltNames(extension))],
  [OID.basicConstraints, readBasicConstraints],
  [OID.keyUsage, (extension, into) => void (into.keyUsage = readKeyUsage(extension))],
  [OID.extendedKeyUsage, (extension, into) => void (into.extendedKeyUsage = readExtendedKeyUsage(extension))],
  [OID.subjectKeyIdentifier, readSubjectKeyId],
  [OID.authorityKeyIdentifier, readAuthorityKeyId],
]);

/** Reads the SEQUENCE OF Extension. An extension that appears twice is refused (RFC 5280 §4.2). */
export function readExtensions(list: DerReader): CertificateExtensions {
  const into: CertificateExtensions = { critical: new Set(), unknown: new Set() };
  const seen = new Set<string>();
  if (list.done) throw new DerProblem('the extensions are empty');
  while (!list.done) readExtension(list.enter(TAG.sequence, 'an extension'), seen, into);
  return into;
}

function readExtension(fields: DerReader, seen: Set<string>, into: CertificateExtensions): void {
  const name = readOid(fields, 'the name of an extension');
  const what = `extension ${name}`;
  if (seen.has(name)) throw new DerProblem(`${what} appears twice`);
  seen.add(name);
  if (fields.peek() === TAG.boolean) {
    // DEFAULT FALSE is left out in DER (X.690 §11.5).
    if (!readBoolean(fields, what)) throw new DerProblem(`${what} spells out critical FALSE`);
    into.critical.add(name);
  }
  const value = fields.enter(TAG.octetString, what);
  fields.end(what);
  const read = READERS.get(name);
  if (read === undefined) {
    into.unknown.add(name);
    return;
  }
  read(value, into);
  value.end(what);
}

function readBasicConstraints(extension: DerReader, into: CertificateExtensions): void {
  const what = 'the basic constraints';
  const fields = extension.enter(TAG.sequence, what);
  into.isCa = fields.peek() === TAG.boolean;
  // DEFAULT FALSE is left out in DER, and a path length belongs to CAs only (RFC 5280 §4.2.1.9).
  const understood = into.isCa ? readBoolean(fields, what) : fields.done;
  if (!understood) throw new DerProblem(`${what} say something other than "CA"`);
  if (fields.peek() === TAG.integer) into.pathLength = readSmallInteger(fields, 'the path length');
  fields.end(what);
}

function readSubjectKeyId(extension: DerReader, into: CertificateExtensions): void {
  into.subjectKeyId = extension.element(TAG.octetString, 'the subject key identifier').content;
}

function readAuthorityKeyId(extension: DerReader, into: CertificateExtensions): void {
  const what = 'the authority key identifier';
  const fields = extension.enter(TAG.sequence, what);
  // Issuer name and serial, the other two ways to point at an issuer, are hints that path building does without.
  if (fields.peek() === contextTag(0)) into.authorityKeyId = fields.any(what).content;
  while (!fields.done) fields.any(what);
}
