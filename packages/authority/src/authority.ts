import type { Clock, RampartError, Result, SpiffeId, TrustDomain } from '@rampart/core';
import type { Journal } from '@rampart/journal';
import type { KeyStore } from '@rampart/keyring';
import type { TrustBundle } from '@rampart/spiffe';
import type { HierarchyControl } from './hierarchy/control.ts';
import type { Challenge } from './attestation/challenges.ts';
import type { EvidenceProblem, JwtEvidence } from './attestation/evidence.ts';
import type { EvidencedIdentity, EvidenceRequest } from './attestation/reception.ts';
import type { AskOutside } from './outside/ask.ts';
import type { CertificateUse, ExpiryWatch } from './expiry/expiry-watch.ts';
import { Forgetting } from './expiry/forgetting.ts';
import { Hierarchy } from './hierarchy/hierarchy.ts';
import type { Agents } from './agents/agent-desk.ts';
import type { JwtSvidIssuer } from './jwt/jwt-svid-issuer.ts';
import type { EntrySource } from './registration/entries.ts';
import type { Upstream } from './hierarchy/upstream/upstream.ts';
import type { IssuedSvid } from './issuance/issuance.ts';
import type { JoinToken } from './attestation/join-tokens.ts';
import { JournaledAuthority } from './journaled-authority.ts';
import { checkLifetimes } from './issuance/lifetimes.ts';
import type { LifetimeOptions, Lifetimes } from './issuance/lifetimes.ts';
import { CrlDesk } from './revocation/crl-desk.ts';
import { RevocationDesk } from './revocation/desk.ts';
import { createMemoryRevocationEpoch, createMemoryRevocationStore } from './revocation/memory-store.ts';
import { completeRecords } from './issuance/completion.ts';
import { restoreRevocations } from './revocation/restoration.ts';
import type { RevocationEpoch, RevocationStore } from './revocation/store.ts';
import { Revocations } from './revocations.ts';
import type { AuthorityStore, CertificateQuery, CertificateRecord, WorkloadIdentity } from './store.ts';

export interface AuthorityOptions {
  readonly trustDomain: TrustDomain;
  readonly keys: KeyStore;
  readonly store: AuthorityStore;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly lifetimes?: LifetimeOptions;
  /** Who gets which identity beside those with join tokens; nobody unless given. */
  readonly entries?: EntrySource;
  /** How issuers of tokens and clouds are asked; over HTTPS unless given. */
  readonly ask?: AskOutside;
  /** Without it agents get no JWT-SVIDs. */
  readonly jwtSvids?: JwtSvidIssuer;
  /** Who signs the intermediates; a root of its own unless given. */
  readonly upstream?: Upstream;
  /** URL under which others reach /crl here; only with it leaves say where their revocation list is. */
  readonly crlUrl?: string;
  /** Where revocations are kept beside the certificates, and apart from them; in memory unless given. */
  readonly revocations?: { readonly acts: RevocationStore; readonly epoch: RevocationEpoch };
}

/** What a server of the control plane is to be certified for. */
export interface ServerIdentity {
  readonly spiffeId: SpiffeId;
  readonly dnsNames: readonly string[];
  /** IP literals. */
  readonly ipAddresses: readonly string[];
  /** Serial of the certificate that the new one takes the place of. */
  readonly replaces?: string;
}

/**
 * Who gets an identity. Every refusal and every success is on the audit record, every certificate in the ledger, before a
 * method resolves. All methods throw `RampartError` STORAGE_FAILED when that cannot be.
 */
export interface Authority {
  /** What agents ask for, on behalf of the workloads of their host. */
  readonly agents: Agents;
  /** The certificates that sign, and what operators do with them. */
  readonly hierarchy: HierarchyControl;
  bundle(): TrustBundle;
  /**
   * A one-use secret for the first certificate of a workload, good for `ttlSeconds` (1 to 604 800, 600 unless given).
   * `by` is who asked, nobody in particular unless given. Throws INVALID_ARGUMENT that names every bad field.
   */
  createJoinToken(workload: WorkloadIdentity, ttlSeconds?: number, by?: Requester): Promise<JoinToken>;
  /** The same for an agent: `name` is the last segment of its SPIFFE ID, /agent/join_token/<name>. Throws INVALID_ARGUMENT. */
  createAgentToken(name: string, ttlSeconds?: number, by?: Requester): Promise<JoinToken>;
  /**
   * First certificate for the holder of a join token and of the request's key. INVALID_CSR leaves the token unused;
   * INVALID_JOIN_TOKEN has the same text whether the token was unknown, used or late (`detail` tells operators which).
   */
  attest(joinToken: string, csr: Uint8Array, sourceIp: string): Promise<Result<IssuedSvid, RampartError>>;
  /** A nonce that evidence is bound to: it is good for a minute, and for one attestation. */
  challenge(): Challenge;
  /**
   * First certificate for whoever shows evidence that an attestor believes and that makes it exactly one identity. INVALID_CSR;
   * ATTESTATION_DENIED, whose message names the rule (as does `detail`).
   */
  attestWith(request: EvidenceRequest): Promise<Result<IssuedSvid, RampartError>>;
  /** The workload that a token speaks for, by the same rules; nothing is issued, used up or recorded. */
  identify(evidence: JwtEvidence): Promise<Result<EvidencedIdentity, EvidenceProblem>>;
  /**
   * Next certificate for a peer that holds a valid one, as the same workload. INVALID_CSR; CERTIFICATE_REVOKED;
   * PERMISSION_DENIED when `peerSerial` is no valid certificate of `peer` that was issued here; ATTESTATION_DENIED when what vouched
   * for it, its registration entry or attestor, no longer does.
   */
  renew(peer: SpiffeId, peerSerial: string, request: RenewalRequest): Promise<Result<IssuedSvid, RampartError>>;
  /** For the control plane's own servers; throws INVALID_ARGUMENT for names or keys that cannot be certified. */
  issueServerCertificate(publicKeyDer: Uint8Array, server: ServerIdentity): Promise<IssuedSvid>;
  /** Newest first, `limit` 100 unless given; leaves are listed until a day or two after their end. */
  list(query?: Partial<CertificateQuery>): Promise<readonly CertificateRecord[]>;
  /**
   * True when it is revoked by this call, false when the serial (hex, colons allowed) is unknown or was revoked before.
   * Throws INVALID_ARGUMENT for a certificate of the hierarchy: see `hierarchy.revoke`.
   */
  revoke(serial: string, reason: string, by: Requester): Promise<boolean>;
  isRevoked(serial: string): boolean;
  /** Those of certificates that ended up to two days ago, too. */
  revokedSerials(): string[];
  /** Calls back with every serial once its revocation is durable; returns how to end it. */
  onRevoked(listener: (serial: string) => void): () => void;
  /** What is revoked, and who is barred. */
  readonly revocations: Revocations;
  /** Where that is decided. */
  readonly revocationDesk: RevocationDesk;
  /** The same for those who only know revocation lists. */
  readonly crls: CrlDesk;
  /** How long certificates live. */
  readonly lifetimes: Lifetimes;
  /** Watches over certificates that end: `use` says who uses which. */
  watchExpiry(use: CertificateUse): Promise<ExpiryWatch>;
  /** Calls back with every certificate of a workload or agent once it is on record, before it is handed out; returns how to end it. */
  onIssued(listener: IssuedListener): () => void;
}

/** Who asks for a token or a revocation, for the audit record. */
export interface Requester {
  readonly name: string;
  /** "" for the control plane itself. */
  readonly sourceIp: string;
}

/** Hears of every certificate that a workload gets. */
export type IssuedListener = (issued: IssuedSvid) => void;

export interface RenewalRequest {
  readonly csr: Uint8Array;
  readonly sourceIp: string;
}

/** Opens the authority of a trust domain: makes root and intermediate the first time, continues with them ever after. */
export async function openAuthority(options: AuthorityOptions): Promise<Authority> {
  const lifetimes = checkLifetimes(options.lifetimes);
  const { store, clock } = options;
  const upstream = options.upstream ?? { kind: 'own' };
  const { acts, epoch } = options.revocations ?? {
    acts: createMemoryRevocationStore(),
    epoch: createMemoryRevocationEpoch(),
  };
  const forgetting = await Forgetting.open({ store, clock });
  const { before } = forgetting;
  await completeRecords(options);
  const inForce = new Revocations(before, await store.revokedBySerial(before));
  const revokedAuthorities = await restoreRevocations({ ...options, acts, epoch, forgottenBefore: before }, inForce);
  const hooks = { revoked: (certificate: CertificateRecord) => desk.revokeAuthority(certificate) };
  const hierarchy = await Hierarchy.open({ ...options, lifetimes, upstream, revoked: revokedAuthorities }, hooks);
  const desk = new RevocationDesk({ ...options, acts, epoch, hierarchy, inForce });
  const marked = (): Promise<void> => desk.marked();
  const crls = new CrlDesk({ store, acts, clock, issuers: () => hierarchy.crlIssuers(), marked });
  return new JournaledAuthority({ ...options, lifetimes, hierarchy, revocations: inForce, forgetting, desk, crls });
}
