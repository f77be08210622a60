import { fail, isAgentId, ok, RampartError, SpiffeId } from '@rampart/core';
import type { Clock, ErrorCode, RegistrationEntry, Result } from '@rampart/core';
import type { AuditEvent, Journal } from '@rampart/journal';
import { parseCsr } from '@rampart/spiffe';
import { invalidCsr } from '../issuance/invalid-csr.ts';
import type { IssuedSvid, WorkloadIssue } from '../issuance/issuance.ts';
import { isForAgent, isInForce, termsOf, workloadOfEntry } from '../registration/entries.ts';
import type { EntrySource } from '../registration/entries.ts';
import type { AuthorityStore, CertificateRecord } from '../store.ts';
import { admitsAgent } from '../attestation/agent-admission.ts';
import type { Rotation } from '../issuance/ledger.ts';
import type { Lifetimes } from '../issuance/lifetimes.ts';
import { rotationOf } from '../issuance/rotation.ts';
import { normalizeSerial } from '../revocations.ts';
import * as events from './events.ts';
import type { AgentCall } from './events.ts';
import type { IdentityOrder } from '../revocation/events.ts';
import type { IssuedJwtSvid, JwtSvidIssuer } from '../jwt/jwt-svid-issuer.ts';

export interface AgentDeskOptions {
  readonly store: AuthorityStore;
  readonly journal: Journal;
  readonly clock: Pick<Clock, 'now'>;
  readonly entries: EntrySource;
  readonly jwtSvids: JwtSvidIssuer | undefined;
  readonly lifetimes: Pick<Lifetimes, 'renewalShare'>;
  issue(request: WorkloadIssue): Promise<IssuedSvid>;
  isRevoked(certificate: CertificateRecord): boolean;
  /** The first `iat` of tokens that are not revoked. */
  tokensValidFrom(spiffeId: SpiffeId): number;
  /** Resolves once revocations that are under way and may be about the certificate count. */
  settled(serial: string): Promise<void>;
  /** Throws, after putting it on record, for identities that get nothing now. */
  checkBar(order: IdentityOrder): Promise<void>;
  /** Revokes what was just issued. */
  withdraw(serial: string): Promise<unknown>;
}

/** An X.509-SVID that an agent asks for. */
export interface X509SvidRequest {
  /** "namespace/name". */
  readonly entryId: string;
  readonly csr: Uint8Array;
  /** Serial of the certificate that it takes the place of; "" for the first. */
  readonly previousSerial: string;
}

/** An entry that an agent may hand out now, by the certificate that it holds. */
interface Permit {
  readonly entry: RegistrationEntry;
  readonly holder: CertificateRecord;
}

/** What agents may hand out, and the issuing of it. Every refusal is on the audit record before a method resolves. */
export interface Agents {
  /** The entries that an agent may hand out now. */
  entriesOf(agent: SpiffeId): readonly RegistrationEntry[];
  /** A certificate of an entry, for a key that the agent made. INVALID_CSR; PERMISSION_DENIED; CERTIFICATE_REVOKED. */
  issueX509(call: AgentCall, request: X509SvidRequest): Promise<Result<IssuedSvid, RampartError>>;
  /** INVALID_ARGUMENT for audiences that cannot be; PERMISSION_DENIED; CERTIFICATE_REVOKED; UNSUPPORTED_FEATURE. */
  issueJwt(
    call: AgentCall,
    request: { readonly entryId: string; readonly audiences: readonly string[] },
  ): Promise<Result<IssuedJwtSvid, RampartError>>;
}

/** SPIRE's default. */
const USUAL_JWT_MS = 5 * 60_000;
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
    { entryId, csr, previousSerial }: X509SvidRequest,
  ): Promise<Result<IssuedSvid, RampartError>> {
    const request = parseCsr(csr);
    if (!request.ok) {
      return this.#refuse(call, { entryId, problem: invalidCsr(request.problem) });
    }
    const permit = await this.#permitted(call, entryId);
    if (!permit.ok) return permit;
    const { entry, holder } = permit.value;
    const rotation = await this.#rotation(call, { entryId, previousSerial });
    const issued = await this.#options.issue({
      kind: 'workload',
      spiffeId: SpiffeId.of(entry.spec.spiffeId),
      publicKeyDer: request.value.publicKeyDer,
      workload: workloadOfEntry(entry),
      entry: termsOf(entry),
      reason: 'agent',
      ...(rotation === undefined ? {} : { rotation }),
      requestedBy: call.agent.toString(),
      sourceIp: call.sourceIp,
      events: (serial) => [events.x509Issued(call, entry, serial)],
    });
    await this.#options.settled(holder.serial);
    if (!this.#options.isRevoked(holder)) return ok(issued);
    // Revoked in the meantime: what it asked for must not outlive it.
    await this.#options.withdraw(issued.serial);
    return this.#refuse(call, { entryId, problem: revokedAgent(call.serial) });
  }

  async issueJwt(
    call: AgentCall,
    { entryId, audiences }: { readonly entryId: string; readonly audiences: readonly string[] },
  ): Promise<Result<IssuedJwtSvid, RampartError>> {
    const { jwtSvids } = this.#options;
    const wrong = audienceProblem(audiences);
    if (wrong !== undefined) return this.#refuse(call, { entryId, problem: wrong });
    const permit = await this.#permitted(call, entryId);
    if (!permit.ok) return permit;
    if (jwtSvids === undefined) {
      return fail(new RampartError('UNSUPPORTED_FEATURE', 'this control plane issues no JWT-SVIDs'));
    }
    const { entry, holder } = permit.value;
    const spiffeId = SpiffeId.of(entry.spec.spiffeId);
    const order = { spiffeId, requestedBy: call.agent.toString(), sourceIp: call.sourceIp };
    const ttlMs = jwtLifeOf(entry, this.#options.clock.now());
    await this.#options.checkBar(order);
    const issued = await jwtSvids.issue({
      ...order,
      audiences: [...new Set(audiences)],
      entryId,
      issuedFrom: this.#options.tokensValidFrom(spiffeId),
      ...(ttlMs === undefined ? {} : { ttlMs }),
    });
    // Revoked or barred in the meantime: a token cannot be taken back, so it is not given out.
    await this.#options.settled(holder.serial);
    if (this.#options.isRevoked(holder)) return this.#refuse(call, { entryId, problem: revokedAgent(call.serial) });
    await this.#options.checkBar(order);
    return ok(issued);
  }

  async #permitted(call: AgentCall, entryId: string): Promise<Result<Permit, RampartError>> {
    const { store, clock, entries, isRevoked } = this.#options;
    const { agent, serial } = call;
    const certificate = await store.certificate(serial);
    if (!isAgentId(agent) || certificate?.kind !== 'agent' || certificate.spiffeId !== agent.toString()) {
      const problem = denied('agent-unknown', `certificate ${serial} was not issued here to an agent`);
      return this.#refuse(call, { entryId, problem });
    }
    if (isRevoked(certificate)) {
      return this.#refuse(call, { entryId, problem: revokedAgent(serial) });
    }
    if (!this.#isStillAdmitted(certificate)) {
      const message = `Attestor ${certificate.attestation?.attestor ?? ''} no longer takes ${agent.toString()} for an agent`;
      return this.#refuse(call, { entryId, problem: denied('agent-disowned', message) });
    }
    const entry = entries.entry(entryId);
    const permitted = entry !== undefined && isInForce(entry, clock.now()) && isForAgent(entry, agent);
    if (permitted) return ok({ entry, holder: certificate });
    // One text whether it is another's, ended or not there, so that an agent finds out nothing of the others.
    const message = `${agent.toString()} may not hand out ${JSON.stringify(entryId.slice(0, 320))}: no entry in force says so`;
    return this.#refuse(call, { entryId, entryExists: entry !== undefined, problem: denied('agent-entry', message) });
  }

  /** An agent that joined with a token is one until it is revoked. */
  #isStillAdmitted({ attestation }: CertificateRecord): boolean {
    if (attestation === undefined) return true;
    const attestors = this.#options.entries.attestors();
    const attestor = attestors.find(({ metadata }) => metadata.name === attestation.attestor);
    return attestor !== undefined && admitsAgent(attestor, new Set(attestation.selectors));
  }

  /** Only a certificate of the same entry, handed out by the same agent, is one that another takes the place of. */
  async #rotation(
    { agent }: AgentCall,
    { entryId, previousSerial }: Pick<X509SvidRequest, 'entryId' | 'previousSerial'>,
  ): Promise<Rotation | undefined> {
    const { store, clock, lifetimes } = this.#options;
    const old = previousSerial === '' ? undefined : await store.certificate(normalizeSerial(previousSerial));
    if (old?.entryId !== entryId || old.requestedBy !== agent.toString()) return undefined;
    return rotationOf(old, { now: clock.now(), renewalShare: lifetimes.renewalShare });
  }

  async #refuse(call: AgentCall, refusal: events.IssuanceRefusal): Promise<Result<never, RampartError>> {
    await this.#audit(events.issuanceDenied(call, refusal));
    return fail(refusal.problem);
  }

  async #audit(event: AuditEvent): Promise<void> {
    await this.#options.journal.audit(event);
  }
}

/** What the tokens of an entry live; undefined for what tokens live otherwise. None outlives its entry. */
function jwtLifeOf(
  { spec: { jwtSvidTtlMs, expiresAt = Infinity } }: RegistrationEntry,
  now: number,
): number | undefined {
  const left = Math.max(1000, expiresAt - now);
  if (jwtSvidTtlMs === undefined) return left < USUAL_JWT_MS ? left : undefined;
  return Math.min(jwtSvidTtlMs, left);
}

function revokedAgent(serial: string): RampartError {
  return refusal('CERTIFICATE_REVOKED', 'agent-revoked', `certificate ${serial} is revoked; attest again`);
}

function audienceProblem(audiences: readonly string[]): RampartError | undefined {
  const sound =
    audiences.length >= 1 &&
    audiences.length <= MAX_AUDIENCES &&
    audiences.every((audience) => audience !== '' && audience.length <= MAX_AUDIENCE);
  if (sound) return undefined;
  return refusal(
    'INVALID_ARGUMENT',
    'agent-audience',
    `audiences must be 1 to ${MAX_AUDIENCES} names of at most ${MAX_AUDIENCE} characters: whom the token is meant for`,
  );
}

function denied(rule: string, message: string): RampartError {
  return refusal('PERMISSION_DENIED', rule, message);
}

function refusal(code: ErrorCode, rule: string, message: string): RampartError {
  return new RampartError(code, `this issuance was refused by rule ${rule}: ${message}`, { detail: rule });
}
