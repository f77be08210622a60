import type { Signer } from '@rampart/keyring';
import type { ParsedCertificate } from '@rampart/spiffe';
import type { AuthorityState, CaCertificateRecord } from '../store.ts';

/** An authority as it is held in memory. */
export interface HeldAuthority {
  readonly record: CaCertificateRecord;
  readonly certificate: ParsedCertificate;
  /** Undefined where the key is kept elsewhere, or is not needed any more. */
  readonly signer: Signer | undefined;
}

/** A certificate that signs others, with its key. */
export interface SigningAuthority {
  /** As it stands in records. */
  readonly commonName: string;
  readonly certificate: ParsedCertificate;
  readonly signer: Signer;
  /** DER: what a leaf sends after itself, its own certificate first. */
  readonly chain: readonly [Uint8Array, ...Uint8Array[]];
}

/** Relying parties trust what these signed. */
const PUBLISHED: ReadonlySet<AuthorityState> = new Set(['prepared', 'active', 'old', 'tainted']);

export function isPublished({ record }: HeldAuthority): boolean {
  return PUBLISHED.has(record.state);
}

/** Its key is not needed any more. */
export function isOver(state: AuthorityState): boolean {
  return !PUBLISHED.has(state);
}

/** Undefined when its key is not here. */
export function toSign({ record, certificate, signer }: HeldAuthority): SigningAuthority | undefined {
  if (signer === undefined) return undefined;
  return { commonName: record.name, certificate, signer, chain: [certificate.der, ...record.upstream] };
}

/** Both ends of its validity count: after a jump of the clock an authority may not be valid yet. */
export function isValidAt({ certificate: { notBefore, notAfter } }: HeldAuthority, now: number): boolean {
  return now >= notBefore && now < notAfter;
}

/** Whether the root signed the intermediate, or the last of the certificates above it: by name and key id (RFC 5280 §6.1, §4.2.1.1). */
export function isBelow(topmost: ParsedCertificate, root: ParsedCertificate): boolean {
  if (Buffer.compare(topmost.issuer, root.subject) !== 0) return false;
  const { authorityKeyId } = topmost;
  const { subjectKeyId } = root;
  return (
    authorityKeyId === undefined || subjectKeyId === undefined || Buffer.compare(authorityKeyId, subjectKeyId) === 0
  );
}
