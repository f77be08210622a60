import { RampartError } from '@rampart/core';
import type { JsonValue } from '@rampart/journal';
import type { Requester } from '../authority.ts';
import { issuanceEntry, revocationEntry } from '../issuance/ledger.ts';
import type { AuthorityState, CertificateRecord, Revocation } from '../store.ts';
import type { HeldAuthority } from './held-authority.ts';
import type { HierarchyOptions } from './signing-authority.ts';

/** What happens to an authority after it was made. That one is old only says that another one is active. */
const EVENTS: { readonly [State in AuthorityState]?: { readonly eventType: string } } = {
  active: { eventType: 'CA_ACTIVATED' },
  tainted: { eventType: 'CA_TAINTED' },
  retired: { eventType: 'CA_RETIRED' },
};

/** Why and for whom a step is done. */
export interface Occasion {
  readonly by: Requester;
  readonly reason: string;
}

/** The control plane itself, when it does what the rules of rotation ask for. */
export const BY_ITSELF: Requester = { name: 'authority', sourceIp: '' };

/** Puts every step of the hierarchy in the ledger and on the audit record; each resolves once that is durable. */
export class StepJournal {
  readonly #options: HierarchyOptions;

  constructor(options: HierarchyOptions) {
    this.#options = options;
  }

  /** A new authority, ours or signed by somebody else. Leaves its own record in the store, too. */
  async added({ record, certificate }: HeldAuthority, issuer: string, { by, reason }: Occasion): Promise<void> {
    const { journal, store, clock } = this.#options;
    const { serial, kind, notBefore, notAfter } = record;
    const spiffeId = this.#spiffeId;
    const common = { serial, kind, spiffeId, requestedBy: '', issuer, reason: 'hierarchy' } as const;
    const issued = { ...common, issuedAt: clock.now(), notBefore, notAfter };
    const details = {
      serial,
      kind,
      name: record.name,
      state: record.state,
      issuer,
      reason,
      authority_key: keyOf(record),
    };
    const [{ sequence }] = await Promise.all([
      journal.append('ledger', issuanceEntry(issued, certificate)),
      this.#audit('CERTIFICATE_ISSUED', by, details),
    ]);
    await store.addCertificate({ ...issued, sequence });
  }

  async moved({ record }: HeldAuthority, state: AuthorityState, { by, reason }: Occasion): Promise<void> {
    const event = EVENTS[state]?.eventType;
    if (event === undefined) return;
    const { serial, kind, name } = record;
    const body = { event_type: event, serial, kind, spiffe_id: this.#spiffeId, name, reason, requested_by: by.name };
    await Promise.all([
      this.#options.journal.append('ledger', body),
      this.#audit(event, by, { serial, kind, name, reason }),
    ]);
  }

  /** Leaves the revocation on the certificate's own record, too; one that is there already stays. */
  async revoked({ record }: HeldAuthority, { by, reason }: Occasion): Promise<CertificateRecord> {
    const { store, journal, clock } = this.#options;
    const certificate = await store.certificate(record.serial);
    if (certificate === undefined) {
      throw new RampartError('STORAGE_FAILED', `the record of authority ${record.serial} is missing`);
    }
    if (certificate.revocation !== undefined) return certificate;
    const revocation: Revocation = { at: clock.now(), reason, by: by.name };
    const { serial, kind, name } = record;
    await Promise.all([
      store.revokeCertificate(serial, revocation),
      journal.append('ledger', revocationEntry(certificate, revocation)),
      this.#audit('CA_REVOKED', by, { serial, kind, name, reason }),
    ]);
    return { ...certificate, revocation };
  }

  async requested(keyName: string, by: Requester): Promise<void> {
    await this.#audit('CA_REQUESTED', by, { kind: 'intermediate', authority_key: keyName });
  }

  /** Something that should have been done and could not. */
  async failed(what: string, reason: string, by: Requester): Promise<void> {
    const details = { kind: 'intermediate', step: what, reason };
    await this.#options.journal.audit({
      eventType: 'CERTIFICATE_ISSUED',
      identity: by.name,
      sourceIp: by.sourceIp,
      result: 'FAILURE',
      details,
    });
  }

  #audit(eventType: string, by: Requester, details: { readonly [name: string]: JsonValue }): Promise<unknown> {
    const { name: identity, sourceIp } = by;
    return this.#options.journal.audit({ eventType, identity, sourceIp, result: 'SUCCESS', details });
  }

  get #spiffeId(): string {
    return `spiffe://${this.#options.trustDomain.name}`;
  }
}

function keyOf({ keyName }: HeldAuthority['record']): string {
  return keyName === '' ? 'elsewhere' : keyName;
}
