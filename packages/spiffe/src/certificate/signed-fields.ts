import { readSmallInteger } from '../der/primitives.ts';
import { DerProblem, type DerReader } from '../der/reader.ts';
import { readTime } from '../der/time.ts';
import { contextConstructedTag, TAG } from '../der/tag.ts';
import { type PublicKeyInfo, readPublicKeyInfo } from '../public-key-info.ts';
import { readSignatureAlgorithm } from '../signature.ts';
import { type CertificateExtensions, readExtensions } from './extensions.ts';
import type { KeyUsage } from './key-usage.ts';
import { readName } from './name.ts';
import { readSerial } from './serial.ts';

/** What the signed part of a certificate says (TBSCertificate, RFC 5280 §4.1). */
export interface SignedFields {
  /** Lower-case hex of the serial number, two digits a byte, without the sign byte. */
  readonly serial: string;
  /** AlgorithmIdentifier inside the signed part; parsing has compared it with the outer one. */
  readonly innerAlgorithm: Uint8Array;
  /** DER of the names: equal bytes mean equal names. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly hasEmptySubject: boolean;
  /** Unix milliseconds, both inclusive. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKey: PublicKeyInfo;
  readonly uriSans: readonly string[];
  readonly dnsSans: readonly string[];
  readonly ipSans: readonly string[];
  readonly isCa: boolean;
  /** How many intermediates may follow; undefined when unlimited or not a CA. */
  readonly pathLength: number | undefined;
  /** undefined when the extension is absent. */
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined;
  /** Dotted purposes; undefined when the extension is absent. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly subjectKeyId: Uint8Array | undefined;
  readonly authorityKeyId: Uint8Array | undefined;
  /** Dotted names of critical extensions. */
  readonly criticalExtensions: ReadonlySet<string>;
  /** Dotted names of extensions that nothing here understands. */
  readonly unknownExtensions: ReadonlySet<string>;
}

const VERSION_3 = 2;

export function readSignedFields(fields: DerReader): SignedFields {
  readVersion(fields);
  const serial = readSerial(fields);
  const innerAlgorithm = readSignatureAlgorithm(fields).encoded;
  const issuer = readName(fields, 'the issuer').encoded;
  const validity = readValidity(fields);
  const subject = readName(fields, 'the subject');
  const publicKey = readPublicKeyInfo(fields);
  const extensions = readWrappedExtensions(fields);
  fields.end('the signed part');
  return {
    serial,
    innerAlgorithm,
    issuer,
    ...validity,
    subject: subject.encoded,
    hasEmptySubject: subject.isEmpty,
    publicKey,
    uriSans: extensions.subjectAltNames?.uris ?? [],
    dnsSans: extensions.subjectAltNames?.dnsNames ?? [],
    ipSans: extensions.subjectAltNames?.ipAddresses ?? [],
    isCa: extensions.isCa ?? false,
    pathLength: extensions.pathLength,
    keyUsage: extensions.keyUsage,
    extendedKeyUsage: extensions.extendedKeyUsage,
    subjectKeyId: extensions.subjectKeyId,
    authorityKeyId: extensions.authorityKeyId,
    criticalExtensions: extensions.critical,
    unknownExtensions: extensions.unknown,
  };
}

function readVersion(fields: DerReader): void {
  const wrapper = fields.enterOptional(contextConstructedTag(0), 'the version');
  const version = wrapper === undefined ? 0 : readSmallInteger(wrapper, 'the version');
  wrapper?.end('the version');
  if (version !== VERSION_3) throw new DerProblem(`the certificate has version ${version + 1}, not 3`);
}

function readValidity(fields: DerReader): { readonly notBefore: number; readonly notAfter: number } {
  const validity = fields.enter(TAG.sequence, 'the validity');
  const notBefore = readTime(validity, 'the start of validity');
  const notAfter = readTime(validity, 'the end of validity');
  validity.end('the validity');
  return { notBefore, notAfter };
}

function readWrappedExtensions(fields: DerReader): CertificateExtensions {
  const what = 'the extensions';
  const wrapper = fields.enter(contextConstructedTag(3), what);
  const extensions = readExtensions(wrapper.enter(TAG.sequence, what));
  wrapper.end(what);
  return extensions;
}
