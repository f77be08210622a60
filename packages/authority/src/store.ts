import type { Companion } from '@rampart/journal';
import type { CertificateScope, ScopeContent } from './revocation/scope.ts';

/** What a join token (or the operator) says about a workload. */
export interface WorkloadIdentity {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** The service this workload is an instance of; "" for a pure client. */
  readonly service: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A join token as it is kept: never the token itself. All times are Unix milliseconds. */
export interface JoinTokenRecord {
  /** Hex SHA-256 of the token text. */
  readonly tokenHash: string;
  /** Absent for an agent. */
  readonly workload?: WorkloadIdentity;
  readonly spiffeId: string;
  readonly createdAt: number;
  /** First moment at which it is no longer accepted. */
  readonly expiresAt: number;
}

/** A join token that may be used: by nobody else until `release` is called. */
export interface ClaimedJoinToken {
  readonly outcome: 'claimed';
  readonly token: JoinTokenRecord;
  /** Marks it used, with what it vouches for: stored with a journal whose store shares the engine. Another's use fails that. */
  readonly use: Companion;
  /** To be called once what it vouches for is durable, or given up. */
  release(): void;
}

/** Who may not use a join token is told why. */
export type JoinTokenClaim =
  | ClaimedJoinToken
  | { readonly outcome: 'used' | 'expired'; readonly token: JoinTokenRecord }
  | { readonly outcome: 'unknown' };

export type CertificateKind = 'root' | 'intermediate' | 'server' | 'workload' | 'agent';

/** By which evidence a holder was attested. */
export interface AttestationFacts {
  /** "x509pop", "jwt", "aws_iam". */
  readonly evidence: string;
  /** Name of the Attestor that believed it. */
  readonly attestor: string;
  /** "type:value". */
  readonly selectors: readonly string[];
}

/** One certificate that was issued. All times are Unix milliseconds. */
export interface CertificateRecord {
  /** Lower-case hex without leading zero bytes; unique. */
  readonly serial: string;
  readonly kind: CertificateKind;
  /** SPIFFE ID of its subject. */
  readonly spiffeId: string;
  /** Who asked for it: a SPIFFE ID, or "" where the request came with evidence or from the control plane itself. */
  readonly requestedBy: string;
  /** Common name of the issuing certificate. */
  readonly issuer: string;
  /** `agent`: an agent asked for it, on behalf of a workload of its host. */
  readonly reason: 'attested' | 'renewal' | 'agent' | 'server' | 'hierarchy';
  readonly issuedAt: number;
  readonly notBefore: number;
  readonly notAfter: number;
  /** Sequence of its entry in the issuance ledger. */
  readonly sequence: number;
  /** What its holder was attested as; a renewal hands it on. Only workload certificates have it. */
  readonly workload?: WorkloadIdentity;
  /** "namespace/name" of the registration entry that it was issued by. */
  readonly entryId?: string;
  /** Absent where a join token vouched for it. */
  readonly attestation?: AttestationFacts;
  /** Set once it is revoked. */
  readonly revocation?: Revocation;
}

export interface Revocation {
  readonly at: number;
  readonly reason: string;
  /** SPIFFE ID or operator's name. */
  readonly by: string;
  /** Id of the rule that revoked it; absent where its serial was named. */
  readonly rule?: string;
}

/**
 * How far an authority has come: `prepared` (published, signs nothing yet), `active` (signs), `old` (signs no more, what it
 * signed is good), `tainted` (what it signed is being replaced), `revoked` (what it signed is refused), `retired` (nothing that
 * it signed is left).
 */
export type AuthorityState = 'prepared' | 'active' | 'old' | 'tainted' | 'revoked' | 'retired';

/** A certificate of the hierarchy, with the name of its private key in the key store. */
export interface CaCertificateRecord {
  readonly kind: 'root' | 'intermediate';
  /** Lower-case hex; unique. */
  readonly serial: string;
  /** Stands as `issuer` in the records of the certificates that it signs. */
  readonly name: string;
  /** "" where the key is kept elsewhere: a root that is offline, or that of an external CA. */
  readonly keyName: string;
  readonly der: Uint8Array;
  /** DER certificates between it and its root, nearest first; none where the root signed it. */
  readonly upstream: readonly Uint8Array[];
  readonly notBefore: number;
  readonly notAfter: number;
  readonly state: AuthorityState;
  /** When it came into that state. */
  readonly since: number;
}

/** A signing request for an intermediate that is on its way to whoever signs it. */
export interface CaRequestRecord {
  readonly keyName: string;
  readonly createdAt: number;
}

/** What belongs to the hierarchy beside its certificates. */
export interface HierarchyNotes {
  /** Number of the trust bundle; 0 before the first. */
  readonly bundleSequence: number;
  readonly request: CaRequestRecord | undefined;
}

/** Where the clock stood, Unix milliseconds: `latest` when it was last marked, `past` a day or more before that. */
export interface ClockMarks {
  readonly past: number;
  readonly latest: number;
}

/** One step of the hierarchy. What is left out stays as it is. */
export interface HierarchyChange {
  readonly added?: readonly CaCertificateRecord[];
  readonly states?: readonly Pick<CaCertificateRecord, 'serial' | 'state' | 'since'>[];
  readonly bundleSequence?: number;
  /** `"none"` forgets it. */
  readonly request?: CaRequestRecord | 'none';
}

/** Which certificates to list. */
export interface CertificateQuery {
  readonly spiffeId?: string;
  /** Only those whose entry in the ledger has a sequence less than this. */
  readonly before?: number;
  readonly limit: number;
}

export interface RevokedPage {
  /** Only those whose notAfter is later than this, Unix milliseconds. */
  readonly endAfter: number;
  /** Sequence of the last one of the page before; 0 at the beginning. */
  readonly after: number;
  readonly limit: number;
}

/** As much of a revoked certificate as stands on a revocation list. */
export interface RevokedRecord
  extends Pick<CertificateRecord, 'serial' | 'issuer' | 'sequence'>, Pick<Revocation, 'at' | 'reason'> {}

/**
 * Where the authority keeps what it must remember. Independent of any engine.
 *
 * Durability: a method that changes something resolves only when the change survives the loss of power.
 * Atomicity: each method is one transaction; two at the same time behave as if one came first.
 * A failing engine throws `RampartError` STORAGE_FAILED, and the change is then not made.
 */
export interface AuthorityStore {
  /** All of it or nothing; adding a known serial, and a state for an unknown one, is an error (STORAGE_FAILED). */
  changeHierarchy(change: HierarchyChange): Promise<void>;
  /** The hierarchy in the order of adding. */
  caCertificates(): Promise<readonly CaCertificateRecord[]>;
  hierarchyNotes(): Promise<HierarchyNotes>;
  /** Latest notAfter of the leaves that an authority of this name has signed and that are not revoked; undefined without any. */
  lastLeafEnd(issuer: string): Promise<number | undefined>;

  addJoinToken(token: JoinTokenRecord): Promise<void>;
  /**
   * The token, if it is known, unused and `at` is before its end: for one caller at a time, the others wait until it is released.
   * A used token says `used` even after its end.
   */
  claimJoinToken(tokenHash: string, at: number): Promise<JoinTokenClaim>;

  /**
   * True for the first caller with this hash (hex SHA-256 of a piece of evidence), false for every other until `until` (Unix
   * milliseconds) at least.
   */
  useEvidence(hash: string, until: number): Promise<boolean>;

  /** An already known serial is an error (STORAGE_FAILED): the first record stays. */
  addCertificate(certificate: CertificateRecord): Promise<void>;
  /** The same, to be stored with its ledger entry: for a journal whose store shares the engine of this one. */
  issued(certificate: CertificateRecord): Companion;
  certificate(serial: string): Promise<CertificateRecord | undefined>;
  /** Those of these serials that are on record, in no particular order. */
  certificatesOf(serials: readonly string[]): Promise<readonly CertificateRecord[]>;
  /** Newest (by ledger sequence) first. */
  certificates(query: CertificateQuery): Promise<readonly CertificateRecord[]>;
  /** True when this call revoked it; false when the serial is unknown or was revoked before (the first revocation stays). */
  revokeCertificate(serial: string, revocation: Revocation): Promise<boolean>;
  /** The same for any number of them, in steps, each of them atomic; says how many this call revoked. */
  revokeCertificates(serials: readonly string[], revocation: Revocation): Promise<number>;
  /** The next revoked certificates after a sequence of the ledger, in that order. */
  revokedCertificates(page: RevokedPage): Promise<readonly RevokedRecord[]>;
  /** Certificates whose notAfter is later than `at` and that were revoked by their serial, not by a rule; in no particular order. */
  revokedBySerial(at: number): Promise<readonly CertificateRecord[]>;
  /** Which leaves a scope means that have not ended at `at` and are not revoked; at most 20 of the newest. */
  scopeContent(scope: CertificateScope, at: number): Promise<ScopeContent>;
  /**
   * Revokes every leaf on record that the scope means and that is not revoked yet; says how many those were. In steps, each of
   * them atomic: what an interrupted call did not come to, the next one does.
   */
  revokeScope(scope: CertificateScope, revocation: Revocation): Promise<number>;
  /** Certificates of workloads that are not revoked and whose notAfter is later than `at`, in no particular order. */
  workloadCertificates(at: number): Promise<readonly CertificateRecord[]>;
  /**
   * Certificates that are not revoked, end after `after` and not after `before` (Unix milliseconds), and live longer than
   * `lifeMs`, in no particular order.
   */
  longLivedCertificates(query: {
    readonly after: number;
    readonly before: number;
    readonly lifeMs: number;
  }): Promise<readonly CertificateRecord[]>;

  /** Undefined before the first were kept. */
  clockMarks(): Promise<ClockMarks | undefined>;
  keepClockMarks(marks: ClockMarks): Promise<void>;
  /** Forgets join tokens, used evidence and leaf certificates whose end is before `endedBefore`; the ledger still knows them. */
  prune(endedBefore: number): Promise<void>;
}
