import { fail, isAgentId, ok, RampartError, SpiffeId } from '@rampart/core';
import type { Clock, Result } from '@rampart/core';
import type { AuditEvent, Journal } from '@rampart/journal';
import { parseCsr } from '@rampart/spiffe';
import type { CertificateRequest } from '@rampart/spiffe';
import { admitsAgent } from '../attestation/agent-admission.ts';
import type { RenewalRequest } from '../authority.ts';
import * as events from '../events.ts';
import { isInForce, termsOf, workloadOfEntry } from '../registration/entries.ts';
import type { EntrySource, EntryTerms } from '../registration/entries.ts';
import { invalidCsr } from './invalid-csr.ts';
import type { Lifetimes } from './lifetimes.ts';
import { normalizeSerial } from '../revocations.ts';
import type { AuthorityStore, CertificateRecord, WorkloadIdentity } from '../store.ts';
import { rotationOf } from './rotation.ts';
import type { IssuedSvid, WorkloadIssue } from './issuance.ts';

export interface RenewalsOptions {
  readonly store: AuthorityStore;
  readonly journal: Journal;
  readonly clock: Pick<Clock, 'now'>;
  readonly entries: EntrySource;
  readonly lifetimes: Pick<Lifetimes, 'renewalShare'>;
  issue(request: WorkloadIssue): Promise<IssuedSvid>;
  /** Why a certificate is revoked; undefined when it is not. */
  revocationOf(certificate: CertificateRecord): string | undefined;
  /** Resolves once revocations that are under way and may be about the certificate are in force. */
  settled(serial: string): Promise<void>;
  /** Revokes what was just issued. */
  withdraw(serial: string): Promise<unknown>;
}

/** What the next certificate of a holder says beside its key. */
interface Continuation {
  readonly current: CertificateRecord;
  readonly workload: WorkloadIdentity | undefined;
  readonly entry?: EntryTerms;
}

/** Next certificates for those who hold a valid one: as what they were attested, as long as what vouches for it still stands. */
export class Renewals {
  readonly #options: RenewalsOptions;

  constructor(options: RenewalsOptions) {
    this.#options = options;
  }

  async renew(
    peer: SpiffeId,
    peerSerial: string,
    { csr, sourceIp }: RenewalRequest,
  ): Promise<Result<IssuedSvid, RampartError>> {
    const renewer = { peer, peerSerial: normalizeSerial(peerSerial), sourceIp };
    const request = parseCsr(csr);
    if (!request.ok) return this.#refuse(events.renewalDenied(renewer, request.problem), invalidCsr(request.problem));
    const next = await this.#continuation(renewer);
    if (!next.ok) return this.#refuse(events.renewalDenied(renewer, refusalOf(next.problem)), next.problem);
    const issued = await this.#issueNext(renewer, next.value, request.value);
    await this.#options.settled(next.value.current.serial);
    if (this.#options.revocationOf(next.value.current) === undefined) return ok(issued);
    // Revoked while its successor was made: the revocation was meant for whoever holds it now.
    await this.#options.withdraw(issued.serial);
    const problem = revokedPeer(renewer.peerSerial);
    return this.#refuse(events.renewalDenied(renewer, refusalOf(problem)), problem);
  }

  #issueNext(
    renewer: events.Renewer,
    { current, workload, entry }: Continuation,
    { publicKeyDer }: CertificateRequest,
  ): Promise<IssuedSvid> {
    const { clock, lifetimes } = this.#options;
    return this.#options.issue({
      kind: current.kind === 'agent' ? 'agent' : 'workload',
      spiffeId: renewer.peer,
      publicKeyDer,
      workload,
      ...(entry === undefined ? {} : { entry }),
      ...(current.attestation === undefined ? {} : { attestation: current.attestation }),
      reason: 'renewal',
      rotation: rotationOf(current, { now: clock.now(), renewalShare: lifetimes.renewalShare }),
      requestedBy: current.spiffeId,
      sourceIp: renewer.sourceIp,
      events: (serial) => [events.renewed(renewer, workload, serial)],
    });
  }

  async #continuation({ peer, peerSerial }: events.Renewer): Promise<Result<Continuation, RampartError>> {
    const current = await this.#options.store.certificate(peerSerial);
    const isHolders = current?.kind === 'workload' || current?.kind === 'agent';
    if (!isHolders || current.spiffeId !== peer.toString()) {
      return denied(
        'renewal-not-issued',
        `certificate ${peerSerial} was not issued here to ${peer.toString()}; attest again`,
      );
    }
    const revocation = this.#options.revocationOf(current);
    if (revocation !== undefined) return fail(revokedPeer(peerSerial));
    if (current.notAfter < this.#options.clock.now()) {
      return denied('renewal-ended', `certificate ${peerSerial} has ended; attest again`);
    }
    if (current.reason === 'agent') {
      const message = `certificate ${peerSerial} was handed out by ${current.requestedBy}, which renews it`;
      return denied('renewal-not-yours', message);
    }
    return this.#standing(current);
  }

  /** Whether what vouched for a holder still does: its entry and its attestor; a join token has vouched for good. */
  #standing(current: CertificateRecord): Result<Continuation, RampartError> {
    const { attestation, entryId, workload, spiffeId } = current;
    if (attestation === undefined) return ok({ current, workload });
    const { entries, clock } = this.#options;
    const attestor = entries.attestors().find(({ metadata }) => metadata.name === attestation.attestor);
    if (attestor === undefined) {
      return disowned('renewal-attestor', `Attestor ${attestation.attestor}, which vouched for it, is gone`);
    }
    const selectors = new Set(attestation.selectors);
    if (isAgentId(SpiffeId.of(spiffeId))) {
      if (admitsAgent(attestor, selectors)) return ok({ current, workload });
      return disowned('renewal-agent', `Attestor ${attestation.attestor} no longer takes it for an agent`);
    }
    const entry = entries.entry(entryId ?? '');
    const holds =
      entry !== undefined &&
      isInForce(entry, clock.now()) &&
      entry.spec.spiffeId === spiffeId &&
      entry.spec.parentId === undefined &&
      entry.spec.selectors.every((selector) => selectors.has(selector));
    if (!holds) {
      return disowned(
        'renewal-entry',
        `RegistrationEntry ${entryId ?? ''} no longer gives it this identity; attest again`,
      );
    }
    return ok({ current, workload: workloadOfEntry(entry), entry: termsOf(entry) });
  }

  async #refuse(event: AuditEvent, problem: RampartError): Promise<Result<never, RampartError>> {
    await this.#options.journal.audit(event);
    return fail(problem);
  }
}

/** Attesting again shows what is true now. */
function disowned(rule: string, why: string): Result<never, RampartError> {
  return fail(new RampartError('ATTESTATION_DENIED', refusedBy(rule, why), { detail: rule }));
}

function denied(rule: string, why: string): Result<never, RampartError> {
  return fail(new RampartError('PERMISSION_DENIED', refusedBy(rule, why), { detail: rule }));
}

function revokedPeer(serial: string): RampartError {
  const rule = 'renewal-revoked';
  const message = refusedBy(rule, `certificate ${serial} is revoked; attest again`);
  return new RampartError('CERTIFICATE_REVOKED', message, { detail: rule });
}

function refusedBy(rule: string, why: string): string {
  return `this renewal was refused by rule ${rule}: ${why}`;
}

function refusalOf({ detail = '', message }: RampartError): events.Refusal {
  return { rule: detail, message };
}
