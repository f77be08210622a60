import { fail, ok, RampartError, SpiffeId } from '@rampart/core';
import type { Result } from '@rampart/core';
import type { AuditEvent } from '@rampart/journal';
import { parseCsr } from '@rampart/spiffe';
import type { RevocableCertificate, TrustBundle } from '@rampart/spiffe';
import type {
  Authority,
  AuthorityOptions,
  IssuedListener,
  RenewalRequest,
  Requester,
  ServerIdentity,
} from './authority.ts';
import * as events from './events.ts';
import type { HierarchyControl } from './hierarchy/control.ts';
import { ExpiryWatch } from './expiry/expiry-watch.ts';
import type { CertificateUse } from './expiry/expiry-watch.ts';
import type { Forgetting } from './expiry/forgetting.ts';
import type { Hierarchy } from './hierarchy/hierarchy.ts';
import { AgentDesk } from './agents/agent-desk.ts';
import type { Agents } from './agents/agent-desk.ts';
import { agentIdOf } from './agents/agent-id.ts';
import { invalidCsr } from './issuance/invalid-csr.ts';
import { Renewals } from './issuance/renewals.ts';
import { NO_ENTRIES } from './registration/entries.ts';
import { HALF, Issuance } from './issuance/issuance.ts';
import { rotationOf } from './issuance/rotation.ts';
import type { IssuedSvid, WorkloadIssue } from './issuance/issuance.ts';
import { Challenges } from './attestation/challenges.ts';
import type { Challenge } from './attestation/challenges.ts';
import { Judges } from './attestation/judges.ts';
import { Reception } from './attestation/reception.ts';
import type { EvidenceProblem, JwtEvidence } from './attestation/evidence.ts';
import type { EvidencedIdentity, EvidenceRequest } from './attestation/reception.ts';
import { askOutside } from './outside/https-client.ts';
import { idOfHash, JoinTokens, tokenId } from './attestation/join-tokens.ts';
import type { JoinToken, JoinTokenRequest } from './attestation/join-tokens.ts';
import type { Lifetimes } from './issuance/lifetimes.ts';
import { groundsIn } from './revocations.ts';
import type { Revocations } from './revocations.ts';
import { BARRED_RULE, barredEvent } from './revocation/events.ts';
import type { IdentityOrder } from './revocation/events.ts';
import type { CrlDesk } from './revocation/crl-desk.ts';
import type { RevocationDesk } from './revocation/desk.ts';
import type { CertificateQuery, CertificateRecord, WorkloadIdentity } from './store.ts';
import { spiffeIdOf } from './attestation/workload.ts';

const DEFAULT_TOKEN_TTL_SECONDS = 600;
const DEFAULT_LIST_LIMIT = 100;

const NOBODY: Requester = { name: '', sourceIp: '' };
const AUTHORITY: Requester = { name: 'authority', sourceIp: '' };

interface Parts extends Omit<AuthorityOptions, 'upstream' | 'revocations'> {
  readonly lifetimes: Lifetimes;
  readonly hierarchy: Hierarchy;
  readonly revocations: Revocations;
  readonly forgetting: Forgetting;
  readonly desk: RevocationDesk;
  readonly crls: CrlDesk;
}

/** The authority over a journal: whatever it does or refuses is durable there first. */
export class JournaledAuthority implements Authority {
  readonly agents: Agents;
  readonly #parts: Parts;
  readonly #tokens: JoinTokens;
  readonly #issuance: Issuance;
  readonly #renewals: Renewals;
  readonly #challenges: Challenges;
  readonly #reception: Reception;
  readonly #issuedListeners = new Set<IssuedListener>();

  constructor(parts: Parts) {
    const { entries = NO_ENTRIES, ask = askOutside, jwtSvids } = parts;
    this.#parts = parts;
    this.#tokens = new JoinTokens(parts.store, parts.clock);
    const validFrom = (certificate: RevocableCertificate): number => parts.revocations.validFrom(certificate);
    this.#issuance = new Issuance({ ...parts, validFrom });
    const issue = (request: WorkloadIssue): Promise<IssuedSvid> => this.#issueToWorkload(request);
    const checkBar = (order: IdentityOrder): Promise<void> => this.#checkBar(order);
    const revocationOf = (certificate: CertificateRecord): string | undefined =>
      parts.revocations.ofRecord(certificate);
    const isRevoked = (certificate: CertificateRecord): boolean => revocationOf(certificate) !== undefined;
    const settled = (serial: string): Promise<void> => parts.desk.settled(serial);
    const withdraw = (serial: string): Promise<boolean> =>
      this.revoke(serial, 'issued for a certificate that was being revoked', AUTHORITY);
    const tokensValidFrom = (spiffeId: SpiffeId): number => parts.revocations.tokensValidFrom(spiffeId);
    const asked = { issue, isRevoked, tokensValidFrom, settled, checkBar, withdraw };
    this.agents = new AgentDesk({ ...parts, entries, jwtSvids, ...asked });
    this.#challenges = new Challenges(parts.clock);
    const judges = new Judges({ ...parts, entries, ask, challenges: this.#challenges });
    const judge: Judges['judge'] = (evidence, context) => judges.judge(evidence, context);
    this.#reception = new Reception({ ...parts, entries, issue, judge });
    this.#renewals = new Renewals({ ...parts, entries, issue, revocationOf, settled, withdraw });
  }

  get revocations(): Revocations {
    return this.#parts.revocations;
  }

  get crls(): CrlDesk {
    return this.#parts.crls;
  }

  get revocationDesk(): RevocationDesk {
    return this.#parts.desk;
  }

  get hierarchy(): HierarchyControl {
    return this.#parts.hierarchy;
  }

  bundle(): TrustBundle {
    return this.#parts.hierarchy.bundle();
  }

  async createJoinToken(
    workload: WorkloadIdentity,
    ttlSeconds: number = DEFAULT_TOKEN_TTL_SECONDS,
    by: Requester = NOBODY,
  ): Promise<JoinToken> {
    return this.#createToken({ workload, spiffeId: spiffeIdOf(this.#parts.trustDomain, workload), ttlSeconds }, by);
  }

  async createAgentToken(
    name: string,
    ttlSeconds: number = DEFAULT_TOKEN_TTL_SECONDS,
    by: Requester = NOBODY,
  ): Promise<JoinToken> {
    if (name.includes('/')) throw new RampartError('INVALID_ARGUMENT', 'the name of an agent must be one path segment');
    const spiffeId = agentIdOf(this.#parts.trustDomain, 'join_token', name);
    return this.#createToken({ workload: undefined, spiffeId, ttlSeconds }, by);
  }

  async #createToken(request: JoinTokenRequest, by: Requester): Promise<JoinToken> {
    const { workload, spiffeId } = request;
    await this.#prune();
    const token = await this.#tokens.create(request);
    await this.#audit(
      events.tokenCreated({ spiffeId, expiresAt: token.expiresAt, tokenId: tokenId(token.token) }, workload, by),
    );
    return token;
  }

  async attest(joinToken: string, csr: Uint8Array, sourceIp: string): Promise<Result<IssuedSvid, RampartError>> {
    const request = parseCsr(csr);
    if (!request.ok) {
      const stranger = { token: undefined, tokenId: tokenId(joinToken), sourceIp };
      return this.#refuse(events.attestationDenied(stranger, request.problem), invalidCsr(request.problem));
    }
    const redemption = await this.#tokens.redeem(joinToken, ({ token, use }) =>
      this.#issueToWorkload({
        kind: token.workload === undefined ? 'agent' : 'workload',
        spiffeId: SpiffeId.of(token.spiffeId),
        publicKeyDer: request.value.publicKeyDer,
        workload: token.workload,
        reason: 'attested',
        requestedBy: '',
        sourceIp,
        usedUp: [use],
        events: (serial) => events.attested({ token, tokenId: idOfHash(token.tokenHash), sourceIp }, serial),
      }),
    );
    if (redemption.outcome === 'redeemed') return ok(redemption.value);
    const { outcome } = redemption;
    const token = outcome === 'unknown' ? undefined : redemption.token;
    const newcomer = { token, tokenId: tokenId(joinToken), sourceIp };
    const problem = { rule: `join-token-${outcome}`, message: `${outcome} join token` };
    return this.#refuse(events.attestationDenied(newcomer, problem), invalidJoinToken(outcome));
  }

  challenge(): Challenge {
    return this.#challenges.issue();
  }

  async attestWith(request: EvidenceRequest): Promise<Result<IssuedSvid, RampartError>> {
    await this.#prune();
    return this.#reception.attest(request);
  }

  identify(evidence: JwtEvidence): Promise<Result<EvidencedIdentity, EvidenceProblem>> {
    return this.#reception.identify(evidence);
  }

  async renew(peer: SpiffeId, peerSerial: string, request: RenewalRequest): Promise<Result<IssuedSvid, RampartError>> {
    await this.#prune();
    return this.#renewals.renew(peer, peerSerial, request);
  }

  async issueServerCertificate(publicKeyDer: Uint8Array, server: ServerIdentity): Promise<IssuedSvid> {
    const { spiffeId, dnsNames, ipAddresses, replaces = '' } = server;
    const { store, clock } = this.#parts;
    const old = await store.certificate(replaces);
    const rotation = old === undefined ? {} : { rotation: rotationOf(old, { now: clock.now(), renewalShare: HALF }) };
    return this.#issuance.issue({ kind: 'server', spiffeId, publicKeyDer, dnsNames, ipAddresses, ...rotation });
  }

  list(query: Partial<CertificateQuery> = {}): Promise<readonly CertificateRecord[]> {
    return this.#parts.store.certificates({ ...query, limit: query.limit ?? DEFAULT_LIST_LIMIT });
  }

  revoke(serial: string, reason: string, by: Requester): Promise<boolean> {
    return this.#parts.desk.revokeSerial(serial, groundsIn(reason), by);
  }

  isRevoked(serial: string): boolean {
    return this.#parts.revocations.has(serial);
  }

  revokedSerials(): string[] {
    return this.#parts.revocations.serials();
  }

  onRevoked(listener: (serial: string) => void): () => void {
    return this.#parts.revocations.onRevoked((event) => {
      if (event.kind === 'certificates') for (const serial of event.serials) listener(serial);
    });
  }

  get lifetimes(): Lifetimes {
    return this.#parts.lifetimes;
  }

  watchExpiry(use: CertificateUse): Promise<ExpiryWatch> {
    return ExpiryWatch.open({ ...this.#parts, ...use });
  }

  onIssued(listener: IssuedListener): () => void {
    const own: IssuedListener = (issued) => listener(issued);
    this.#issuedListeners.add(own);
    return () => void this.#issuedListeners.delete(own);
  }

  async #issueToWorkload(request: WorkloadIssue): Promise<IssuedSvid> {
    const { desk, revocations } = this.#parts;
    await this.#checkBar(request);
    const issued = await this.#issuance.issue(request);
    await desk.settled();
    if (revocations.isBarred(request.spiffeId)) {
      await this.revoke(issued.serial, 'issued while its identity was being barred', AUTHORITY);
      await this.#checkBar(request);
    }
    for (const listener of this.#issuedListeners) listener(issued);
    return issued;
  }

  async #checkBar(order: IdentityOrder): Promise<void> {
    if (!this.#parts.revocations.isBarred(order.spiffeId)) return;
    await this.#audit(barredEvent(order));
    throw new RampartError(
      'PERMISSION_DENIED',
      `refused by rule ${BARRED_RULE}: ${order.spiffeId.toString()} is barred: it gets no certificate and no token until an operator lifts that (rampart revoke --lift)`,
      { detail: BARRED_RULE },
    );
  }

  async #refuse(event: AuditEvent, problem: RampartError): Promise<Result<never, RampartError>> {
    await this.#audit(event);
    return fail(problem);
  }

  async #audit(event: AuditEvent): Promise<void> {
    await this.#parts.journal.audit(event);
  }

  async #prune(): Promise<void> {
    const { forgetting, revocations } = this.#parts;
    await forgetting.run(revocations);
  }
}

/** One text for every reason, so that nobody can find out which tokens exist. */
function invalidJoinToken(reason: string): RampartError {
  return new RampartError(
    'INVALID_JOIN_TOKEN',
    'this join token was refused by rule join-token: it is unknown, used or expired; get a new one with: rampart token create',
    { detail: reason },
  );
}
