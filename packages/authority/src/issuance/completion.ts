import type { Clock } from '@rampart/core';
import type { Journal, JournalEntry } from '@rampart/journal';
import type { AuthorityStore, CertificateKind, CertificateRecord } from '../store.ts';

export interface CompletionOptions {
  readonly store: Pick<AuthorityStore, 'certificate' | 'addCertificate'>;
  readonly journal: Pick<Journal, 'read' | 'audit'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** More than are ever between ledger and record at one time. */
const MOST_UNDER_WAY = 2000;

/** What the entry of an issuance says that its record says, too. */
interface IssuanceFields {
  readonly serial: string;
  readonly kind: CertificateKind;
  readonly spiffe_id: string;
  readonly issuer: string;
  readonly reason: CertificateRecord['reason'];
  readonly issued_at: number;
  readonly not_before: number;
  readonly not_after: number;
}

/**
 * Puts on record what the ledger has and the record lacks: a process died between the two. Nobody was handed those certificates,
 * and nothing vouches for their renewal; but whatever the ledger has can be shown, and revoked.
 */
export async function completeRecords({ store, journal, clock }: CompletionOptions): Promise<void> {
  const query = { stream: 'ledger', kind: 'CERTIFICATE_ISSUED', limit: MOST_UNDER_WAY, order: 'newest-first' } as const;
  for (const entry of await journal.read(query)) {
    const record = recordOf(entry);
    if (record.notAfter < clock.now() || (await store.certificate(record.serial)) !== undefined) continue;
    await store.addCertificate(record);
    const { serial, spiffeId: spiffe_id, sequence } = record;
    const details = { serial, spiffe_id, sequence };
    await journal.audit({ eventType: 'RECORD_COMPLETED', identity: 'authority', result: 'SUCCESS', details });
  }
}

function recordOf({ body, sequence }: JournalEntry): CertificateRecord {
  const fields = JSON.parse(body) as IssuanceFields;
  return {
    serial: fields.serial,
    kind: fields.kind,
    spiffeId: fields.spiffe_id,
    requestedBy: '',
    issuer: fields.issuer,
    reason: fields.reason,
    issuedAt: fields.issued_at,
    notBefore: fields.not_before,
    notAfter: fields.not_after,
    sequence,
  };
}
