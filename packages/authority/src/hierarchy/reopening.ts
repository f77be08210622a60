import { RampartError } from '@rampart/core';
import type { Signer } from '@rampart/keyring';
import { checkAuthorityProfile } from '@rampart/spiffe';
import type { ParsedCertificate } from '@rampart/spiffe';
import type { CaCertificateRecord } from '../store.ts';
import { type HeldAuthority, isOver } from './held-authority.ts';
import { readCertificate } from './signing-authority.ts';
import type { HierarchyOptions } from './signing-authority.ts';

const REMEDY =
  'restore the keys from the same backup as the database, or begin a new authority in an empty data directory';

/**
 * The authorities that the store knows, with the keys of those that are not over.
 * Throws `RampartError` KEY_UNREADABLE when a key is missing or is another one, INVALID_CERTIFICATE when a certificate is
 * damaged or every root has ended, INVALID_ARGUMENT when the roots are of another trust domain.
 */
export async function reopenHierarchy(options: HierarchyOptions): Promise<readonly HeldAuthority[]> {
  const records = await options.store.caCertificates();
  const now = options.clock.now();
  const roots = records.filter(({ kind, state }) => kind === 'root' && !isOver(state));
  if (roots.length > 0 && roots.every(({ notAfter }) => notAfter <= now)) {
    throw new RampartError(
      'INVALID_CERTIFICATE',
      'every root certificate of this authority has ended; begin a new one in an empty data directory',
    );
  }
  const held: HeldAuthority[] = [];
  for (const record of records) held.push(await reopen(record, options));
  return held;
}

async function reopen(record: CaCertificateRecord, options: HierarchyOptions): Promise<HeldAuthority> {
  const certificate = readCertificate(record.der);
  if (isOver(record.state) || record.notAfter <= options.clock.now()) return { record, certificate, signer: undefined };
  checkDomain(record, certificate, options);
  return { record, certificate, signer: await signerOf(record, certificate, options) };
}

function checkDomain(
  { kind, serial }: CaCertificateRecord,
  certificate: ParsedCertificate,
  { trustDomain }: HierarchyOptions,
): void {
  const domain = checkAuthorityProfile(certificate);
  if (!domain.ok)
    throw new RampartError(
      'INVALID_CERTIFICATE',
      `the stored ${kind} certificate ${serial} cannot sign: ${domain.problem.message}`,
    );
  // The certificate of an external CA may name no trust domain.
  if (domain.value === undefined || domain.value.equals(trustDomain)) return;
  const found = domain.value.name;
  throw new RampartError(
    'INVALID_ARGUMENT',
    `this data directory is of trust domain ${found}, not ${trustDomain.name}; start with ${found} or with another directory`,
  );
}

async function signerOf(
  { kind, serial, keyName }: CaCertificateRecord,
  certificate: ParsedCertificate,
  { keys, upstream }: HierarchyOptions,
): Promise<Signer | undefined> {
  if (keyName === '') {
    const isThere = upstream.kind === 'root' && Buffer.compare(upstream.root.der, certificate.der) === 0;
    return isThere ? upstream.root.signer : undefined;
  }
  const signer = await keys.open(keyName);
  if (signer === undefined) {
    throw new RampartError(
      'KEY_UNREADABLE',
      `the private key "${keyName}" of the ${kind} certificate ${serial} is missing; ${REMEDY}`,
    );
  }
  if (Buffer.compare(signer.publicKeyDer, certificate.publicKey.der) !== 0) {
    throw new RampartError(
      'KEY_UNREADABLE',
      `the private key "${keyName}" does not belong to the ${kind} certificate ${serial}; ${REMEDY}`,
    );
  }
  return signer;
}
