import { RampartError } from '@rampart/core';
import { checkAuthorityProfile } from '@rampart/spiffe';
import { commonNameOf, readCertificate } from './signing-authority.ts';
import type { HierarchyOptions, SigningAuthority } from './signing-authority.ts';
import type { CaCertificateRecord } from '../store.ts';

export interface StoredHierarchy {
  /** Oldest first; empty when the store has never held one. */
  readonly roots: readonly SigningAuthority[];
  /** The newest that is still valid. */
  readonly intermediate: SigningAuthority | undefined;
}

/**
 * The authorities that the store knows, with their keys.
 * Throws `RampartError` KEY_UNREADABLE when a key is missing or is another one, INVALID_CERTIFICATE when a certificate is
 * damaged or every root has ended, INVALID_ARGUMENT when the roots are of another trust domain.
 */
export async function reopenHierarchy(options: HierarchyOptions): Promise<StoredHierarchy> {
  const certificates = await options.store.caCertificates();
  const valid = certificates.filter(({ notAfter }) => notAfter > options.clock.now());
  const roots: SigningAuthority[] = [];
  for (const root of valid.filter(({ kind }) => kind === 'root')) roots.push(await reopen(root, options));
  if (roots.length === 0 && certificates.some(({ kind }) => kind === 'root')) {
    throw new RampartError(
      'INVALID_CERTIFICATE',
      'every root certificate of this authority has ended; begin a new one in an empty data directory',
    );
  }
  const newest = valid.findLast(({ kind }) => kind === 'intermediate');
  return { roots, intermediate: newest === undefined ? undefined : await reopen(newest, options) };
}

async function reopen(
  { kind, serial, keyName, der }: CaCertificateRecord,
  { keys, trustDomain }: HierarchyOptions,
): Promise<SigningAuthority> {
  const certificate = readCertificate(der);
  const domain = checkAuthorityProfile(certificate);
  if (!domain.ok)
    throw new RampartError(
      'INVALID_CERTIFICATE',
      `the stored ${kind} certificate ${serial} cannot sign: ${domain.problem.message}`,
    );
  if (domain.value === undefined || !domain.value.equals(trustDomain)) {
    const found = domain.value?.name ?? 'unknown';
    throw new RampartError(
      'INVALID_ARGUMENT',
      `this data directory is of trust domain ${found}, not ${trustDomain.name}; start with ${found} or with another directory`,
    );
  }
  const signer = await keys.open(keyName);
  const remedy =
    'restore the keys from the same backup as the database, or begin a new authority in an empty data directory';
  if (signer === undefined) {
    throw new RampartError(
      'KEY_UNREADABLE',
      `the private key "${keyName}" of the ${kind} certificate ${serial} is missing; ${remedy}`,
    );
  }
  if (Buffer.compare(signer.publicKeyDer, certificate.publicKey.der) !== 0) {
    throw new RampartError(
      'KEY_UNREADABLE',
      `the private key "${keyName}" does not belong to the ${kind} certificate ${serial}; ${remedy}`,
    );
  }
  return { commonName: commonNameOf(kind, serial), certificate, signer };
}
