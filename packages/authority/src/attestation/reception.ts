import { fail, ok, qualifiedName, RampartError, SpiffeId } from '@rampart/core';
import type { Clock, RegistrationEntry, Result, TrustDomain } from '@rampart/core';
import type { Journal } from '@rampart/journal';
import { parseCsr } from '@rampart/spiffe';
import { agentIdOf } from '../agents/agent-id.ts';
import { invalidCsr } from '../issuance/invalid-csr.ts';
import type { IssuedSvid, WorkloadIssue } from '../issuance/issuance.ts';
import { isInForce, termsOf, workloadOfEntry } from '../registration/entries.ts';
import type { EntrySource, EntryTerms } from '../registration/entries.ts';
import type { AuthorityStore, WorkloadIdentity } from '../store.ts';
import { admitsAgent } from './agent-admission.ts';
import { attestationDenied, attestationSucceeded } from './events.ts';
import { disbelieve } from './evidence.ts';
import type { AttestationContext, Attested, Evidence, EvidenceProblem } from './evidence.ts';

export interface ReceptionOptions {
  readonly trustDomain: TrustDomain;
  readonly store: AuthorityStore;
  readonly journal: Journal;
  readonly clock: Pick<Clock, 'now'>;
  readonly entries: EntrySource;
  issue(request: WorkloadIssue): Promise<IssuedSvid>;
  judge(evidence: Evidence, context: AttestationContext): Promise<Result<Attested, EvidenceProblem>>;
}

/** A newcomer that shows evidence. */
export interface EvidenceRequest {
  readonly evidence: Evidence;
  readonly csr: Uint8Array;
  readonly sourceIp: string;
  /** Asks to be an agent instead of a workload. */
  readonly agent: boolean;
}

/** Who a newcomer turned out to be. */
interface Admission {
  readonly kind: 'workload' | 'agent';
  readonly spiffeId: SpiffeId;
  readonly workload: WorkloadIdentity | undefined;
  readonly entry?: EntryTerms;
}

/** Whom evidence speaks for. */
export interface EvidencedIdentity {
  readonly spiffeId: SpiffeId;
  readonly workload: WorkloadIdentity | undefined;
}

/** How many entries an audit record names. */
const NAMED = 5;

/**
 * Where newcomers show their evidence. In this order: the request is sound, the evidence is believed, it makes the newcomer
 * exactly one identity, it is used up; and only then a certificate is made.
 */
export class Reception {
  readonly #options: ReceptionOptions;

  constructor(options: ReceptionOptions) {
    this.#options = options;
  }

  async attest(request: EvidenceRequest): Promise<Result<IssuedSvid, RampartError>> {
    const { trustDomain, clock, journal } = this.#options;
    const csr = parseCsr(request.csr);
    if (!csr.ok) {
      await journal.audit(attestationDenied(request, csr.problem));
      return fail(invalidCsr(csr.problem));
    }
    const attested = await this.#options.judge(request.evidence, { csr: request.csr, now: clock.now() });
    if (!attested.ok) return this.#refuse(request, attested.problem);
    const admission = request.agent
      ? admitAgent(attested.value, trustDomain)
      : this.#admitWorkload(attested.value, clock.now());
    if (!admission.ok) return this.#refuse(request, admission.problem);
    const replay = await this.#useUp(attested.value);
    if (replay !== undefined) return this.#refuse(request, replay);
    return ok(
      await this.#issue(request, { ...admission.value, attested: attested.value, key: csr.value.publicKeyDer }),
    );
  }

  /** Whom evidence makes somebody, by the same rules; nothing is issued, used up or recorded. */
  async identify(evidence: Evidence): Promise<Result<EvidencedIdentity, EvidenceProblem>> {
    const now = this.#options.clock.now();
    const attested = await this.#options.judge(evidence, { csr: new Uint8Array(), now });
    if (!attested.ok) return attested;
    const admission = this.#admitWorkload(attested.value, now);
    if (!admission.ok) return admission;
    const { spiffeId, workload } = admission.value;
    return ok({ spiffeId, workload });
  }

  #issue(
    request: EvidenceRequest,
    { attested, key, ...admission }: Admission & { readonly attested: Attested; readonly key: Uint8Array },
  ): Promise<IssuedSvid> {
    const { attestor, selectors } = attested;
    const { spiffeId, workload } = admission;
    return this.#options.issue({
      ...admission,
      publicKeyDer: key,
      attestation: { evidence: request.evidence.kind, attestor: attestor.metadata.name, selectors },
      reason: 'attested',
      requestedBy: '',
      sourceIp: request.sourceIp,
      events: (serial) =>
        attestationSucceeded(request, {
          identity: spiffeId.toString(),
          serviceName: workload?.service ?? '',
          details: { attestor: attestor.metadata.name, entry: admission.entry?.id ?? '', selectors },
          serial,
        }),
    });
  }

  #admitWorkload(
    { selectors }: Attested,
    now: number,
  ): Result<Admission, EvidenceProblem & { readonly detail?: string }> {
    const held = new Set(selectors);
    const entries = this.#options.entries.entries().filter((entry) => isHeld(entry, held) && isInForce(entry, now));
    const [entry, ...others] = entries;
    if (entry === undefined) return disbelieve('entry-none', 'no registration entry gives an identity for it');
    if (others.length > 0) {
      return fail({
        rule: 'entry-several',
        message: `${entries.length} registration entries give an identity for it: only one may`,
        detail: entries.slice(0, NAMED).map(qualifiedName).join(', '),
      });
    }
    const workload = workloadOfEntry(entry);
    if (workload === undefined) {
      return disbelieve(
        'entry-no-workload',
        'its registration entry gives an identity that is not of the form ns/…/sa/…',
      );
    }
    return ok({ kind: 'workload', spiffeId: SpiffeId.of(entry.spec.spiffeId), workload, entry: termsOf(entry) });
  }

  async #useUp({ once }: Attested): Promise<EvidenceProblem | undefined> {
    if (once === undefined || (await this.#options.store.useEvidence(once.hash, once.until))) return undefined;
    return { rule: once.rule, message: 'it was used before; evidence counts once' };
  }

  async #refuse(
    request: EvidenceRequest,
    problem: EvidenceProblem & { readonly detail?: string },
  ): Promise<Result<never, RampartError>> {
    await this.#options.journal.audit(attestationDenied(request, problem));
    const message = `this evidence was refused by rule ${problem.rule}: ${problem.message}`;
    return fail(new RampartError('ATTESTATION_DENIED', message, { detail: problem.rule }));
  }
}

function admitAgent(attested: Attested, trustDomain: TrustDomain): Result<Admission, EvidenceProblem> {
  if (!admitsAgent(attested.attestor, new Set(attested.selectors))) {
    const message = `Attestor ${attested.attestor.metadata.name} does not take it for an agent`;
    return disbelieve('agent-not-admitted', message);
  }
  const [evidence = '', ...path] = attested.agentPath.split('/');
  return ok({ kind: 'agent', spiffeId: agentIdOf(trustDomain, evidence, path.join('/')), workload: undefined });
}

/** Entries of an agent are for what the agent says of its processes. */
function isHeld({ spec: { parentId, selectors } }: RegistrationEntry, held: ReadonlySet<string>): boolean {
  return parentId === undefined && selectors.every((selector) => held.has(selector));
}
