import { fail, isAgentId, ok, RampartError, SpiffeId } from '@rampart/core';
import type { Clock, RegistrationEntry, Result } from '@rampart/core';
import type { AuditEvent, Journal } from '@rampart/journal';
import { parseCsr } from '@rampart/spiffe';
import type { IssuedSvid, WorkloadIssue } from '../issuance/issuance.ts';
import { isForAgent, isInForce, termsOf, workloadOfEntry } from '../registration/entries.ts';
import type { EntrySource } from '../registration/entries.ts';
import type { AuthorityStore, CertificateRecord } from '../store.ts';
import * as events from './events.ts';
import type { AgentCall } from './events.ts';
import type { IssuedJwtSvid, JwtSvidIssuer } from '../jwt/jwt-svid-issuer.ts';

export interface AgentDeskOptions {
  readonly store: AuthorityStore;
  readonly journal: Journal;
  readonly clock: Pick<Clock, 'now'>;
  readonly entries: EntrySource;
  readonly jwtSvids: JwtSvidIssuer | undefined;
  issue(request: WorkloadIssue): Promise<IssuedSvid>;
  isRevoked(certificate: CertificateRecord): boolean;
  /** Throws, after putting it on record, for identities that get nothing now. */
  checkBar(spiffeId: SpiffeId, requestedBy: string): Promise<void>;
}

/** What agents may hand out, and the issuing of it. Every refusal is on the audit record before a method resolves. */
export interface Agents {
  /** The entries that an agent may hand out now. */
  entriesOf(agent: SpiffeId): readonly RegistrationEntry[];
  /** A certificate of an entry, for a key that the agent made. INVALID_CSR; PERMISSION_DENIED; CERTIFICATE_REVOKED. */
  issueX509(
    call: AgentCall,
    request: { readonly entryId: string; readonly csr: Uint8Array },
  ): Promise<Result<IssuedSvid, RampartError>>;
  /** INVALID_ARGUMENT for audiences that cannot be; PERMISSION_DENIED; CERTIFICATE_REVOKED; UNSUPPORTED_FEATURE. */
  issueJwt(
    call: AgentCall,
    request: { readonly entryId: string; readonly audiences: readonly string[] },
  ): Promise<Result<IssuedJwtSvid, RampartError>>;
}

const MAX_AUDIENCES = 32;
const MAX_AUDIENCE = 2048;

/** The desk that agents come to. What an agent may do is asked again at each issuance, never remembered from a sync. */
export class AgentDesk implements Agents {
  readonly #options: AgentDeskOptions;

  constructor(options: AgentDeskOptions) {
    this.#options = options;
  }

  entriesOf(agent: SpiffeId): readonly RegistrationEntry[] {
    const now = this.#options.clock.now();
    return this.#options.entries.entries().filter((entry) => isInForce(entry, now) && isForAgent(entry, agent));
  }

  async issueX509(
    call: AgentCall,
    { entryId, csr }: { readonly entryId: string; readonly csr: Uint8Array },
  ): Promise<Result<IssuedSvid, RampartError>> {
    const request = parseCsr(csr);
    if (!request.ok) {
      const problem = new RampartError(
        'INVALID_CSR',
        `this certificate signing request was refused: ${request.problem}`,
      );
      return this.#refuse(call, { entryId, rule: 'csr', problem });
    }
    const entry = await this.#permitted(call, entryId);
    if (!entry.ok) return entry;
    const agent = call.agent.toString();
    const issued = await this.#options.issue({
      kind: 'workload',
      spiffeId: SpiffeId.of(entry.value.spec.spiffeId),
      publicKeyDer: request.value.publicKeyDer,
      workload: workloadOfEntry(entry.value),
      entry: termsOf(entry.value),
      reason: 'agent',
      requestedBy: agent,
      events: (serial) => [events.x509Issued(call, entry.value, serial)],
    });
    return ok(issued);
  }

  async issueJwt(
    call: AgentCall,
    { entryId, audiences }: { readonly entryId: string; readonly audiences: readonly string[] },
  ): Promise<Result<IssuedJwtSvid, RampartError>> {
    const { jwtSvids } = this.#options;
    const wrong = audienceProblem(audiences);
    if (wrong !== undefined) return this.#refuse(call, { entryId, rule: 'audience', problem: wrong });
    const entry = await this.#permitted(call, entryId);
    if (!entry.ok) return entry;
    if (jwtSvids === undefined) {
      return fail(new RampartError('UNSUPPORTED_FEATURE', 'this control plane issues no JWT-SVIDs'));
    }
    const { spiffeId, jwtSvidTtlMs } = entry.value.spec;
    await this.#options.checkBar(SpiffeId.of(spiffeId), call.agent.toString());
    const issued = await jwtSvids.issue({
      spiffeId: SpiffeId.of(spiffeId),
      audiences,
      requestedBy: call.agent.toString(),
      sourceIp: call.sourceIp,
      entryId,
      ...(jwtSvidTtlMs === undefined ? {} : { ttlMs: jwtSvidTtlMs }),
    });
    return ok(issued);
  }

  async #permitted(call: AgentCall, entryId: string): Promise<Result<RegistrationEntry, RampartError>> {
    const { store, clock, entries, isRevoked } = this.#options;
    const { agent, serial } = call;
    const certificate = await store.certificate(serial);
    if (!isAgentId(agent) || certificate?.kind !== 'agent' || certificate.spiffeId !== agent.toString()) {
      const problem = new RampartError('PERMISSION_DENIED', `certificate ${serial} was not issued here to an agent`);
      return this.#refuse(call, { entryId, rule: 'agent', problem });
    }
    if (isRevoked(certificate)) {
      const problem = new RampartError('CERTIFICATE_REVOKED', `certificate ${serial} is revoked; attest again`);
      return this.#refuse(call, { entryId, rule: 'agent-revoked', problem });
    }
    const entry = entries.entry(entryId);
    const permitted = entry !== undefined && isInForce(entry, clock.now()) && isForAgent(entry, agent);
    if (permitted) return ok(entry);
    // One text whether it is another's, ended or not there, so that an agent finds out nothing of the others.
    const problem = new RampartError(
      'PERMISSION_DENIED',
      `${agent.toString()} may not hand out ${JSON.stringify(entryId.slice(0, 320))}: no entry in force says so`,
    );
    return this.#refuse(call, { entryId, rule: entry === undefined ? 'entry-unknown' : 'entry-not-of-agent', problem });
  }

  async #refuse(call: AgentCall, refusal: events.IssuanceRefusal): Promise<Result<never, RampartError>> {
    await this.#audit(events.issuanceDenied(call, refusal));
    return fail(refusal.problem);
  }

  async #audit(event: AuditEvent): Promise<void> {
    await this.#options.journal.audit(event);
  }
}

function audienceProblem(audiences: readonly string[]): RampartError | undefined {
  const sound =
    audiences.length >= 1 &&
    audiences.length <= MAX_AUDIENCES &&
    audiences.every((audience) => audience !== '' && audience.length <= MAX_AUDIENCE);
  if (sound) return undefined;
  return new RampartError(
    'INVALID_ARGUMENT',
    `audiences must be 1 to ${MAX_AUDIENCES} names of at most ${MAX_AUDIENCE} characters: whom the token is meant for`,
  );
}
