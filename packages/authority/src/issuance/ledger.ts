import { hash } from 'node:crypto';
import type { JournalBody } from '@rampart/journal';
import type { ParsedCertificate } from '@rampart/spiffe';
import type { CertificateRecord, Revocation } from '../store.ts';

/** What is known of a certificate before it has a place in the ledger. */
export type UnrecordedCertificate = Omit<CertificateRecord, 'sequence'>;

/** The ledger's entry of an issuance: enough to recognise the certificate anywhere, and nothing that is secret. */
export function issuanceEntry(certificate: UnrecordedCertificate, { der, publicKey }: ParsedCertificate): JournalBody {
  return {
    event_type: 'CERTIFICATE_ISSUED',
    serial: certificate.serial,
    kind: certificate.kind,
    spiffe_id: certificate.spiffeId,
    requested_by: certificate.requestedBy,
    issuer: certificate.issuer,
    reason: certificate.reason,
    entry: certificate.entryId ?? '',
    not_before: certificate.notBefore,
    not_after: certificate.notAfter,
    certificate_sha256: hash('sha256', der, 'hex'),
    public_key_sha256: hash('sha256', publicKey.der, 'hex'),
  };
}

export function revocationEntry({ serial, spiffeId }: CertificateRecord, { reason, by }: Revocation): JournalBody {
  return { event_type: 'CERTIFICATE_REVOKED', serial, spiffe_id: spiffeId, reason, revoked_by: by };
}
