import { hash } from 'node:crypto';
import type { JournalBody, StampedBodyOf } from '@rampart/journal';
import type { ParsedCertificate } from '@rampart/spiffe';
import type { CertificateRecord, Revocation } from '../store.ts';

/** What is known of a certificate before it has a place in the ledger. */
export type UnrecordedCertificate = Omit<CertificateRecord, 'sequence'>;

/** Stands for the control plane itself where it asks for its own certificates. */
const OWN_REQUEST = 'control-plane';

/** That a certificate took the place of another one. */
export interface Rotation {
  readonly oldSerial: string;
  /** `emergency`: before it was due, because somebody or something said so. */
  readonly reason: 'scheduled' | 'emergency';
}

/** The ledger's entry of an issuance, and of the rotation that it may be: enough to recognise the certificate anywhere, and nothing that is secret. */
export function issuanceEntry(
  certificate: UnrecordedCertificate,
  parsed: ParsedCertificate,
  rotation?: Rotation,
): StampedBodyOf {
  const { attestation } = certificate;
  // In the order in which they are printed: what is in order need not be sorted.
  return ({ registry_node, sequence, timestamp }) => ({
    attestation:
      attestation === undefined
        ? { attestor: '', evidence: evidenceOf(certificate), selectors: [] }
        : { attestor: attestation.attestor, evidence: attestation.evidence, selectors: attestation.selectors },
    certificate_sha256: hash('sha256', parsed.der, 'hex'),
    entry: certificate.entryId ?? '',
    event_type: 'CERTIFICATE_ISSUED',
    issued_at: certificate.issuedAt,
    issuer: certificate.issuer,
    issuer_key_id: Buffer.from(parsed.authorityKeyId ?? []).toString('hex'),
    kind: certificate.kind,
    not_after: certificate.notAfter,
    not_before: certificate.notBefore,
    // One entry for both: thousands of renewals a second would write a second one each.
    ...(rotation === undefined ? {} : { old_serial: rotation.oldSerial }),
    public_key_sha256: hash('sha256', parsed.publicKey.der, 'hex'),
    reason: certificate.reason,
    registry_node,
    requested_by: requesterOf(certificate),
    ...(rotation === undefined ? {} : { rotation: rotation.reason }),
    sequence,
    serial: certificate.serial,
    spiffe_id: certificate.spiffeId,
    timestamp,
  });
}

/** Whoever has the evidence, or the certificate before, asks for itself. */
function requesterOf({ kind, requestedBy, spiffeId }: UnrecordedCertificate): string {
  if (requestedBy !== '') return requestedBy;
  return kind === 'workload' || kind === 'agent' ? spiffeId : OWN_REQUEST;
}

/** What vouched for a holder that no attestor knows. */
function evidenceOf({ kind, reason }: UnrecordedCertificate): string {
  if (kind !== 'workload' && kind !== 'agent') return '';
  return reason === 'agent' ? 'agent' : 'join_token';
}

export function revocationEntry(
  { serial, kind, spiffeId }: CertificateRecord,
  { at, reason, by }: Revocation,
): JournalBody {
  return {
    event_type: 'CERTIFICATE_REVOKED',
    serial,
    kind,
    spiffe_id: spiffeId,
    reason,
    requested_by: by,
    revoked_at: at,
  };
}
