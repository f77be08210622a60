import { RampartError } from '@rampart/core';
import { Turns } from './attestation/turns.ts';
import { isMeant } from './revocation/scope.ts';
import type {
  AuthorityStore,
  CaCertificateRecord,
  CertificateRecord,
  ClaimedJoinToken,
  ClockMarks,
  HierarchyChange,
  HierarchyNotes,
  JoinTokenClaim,
  JoinTokenRecord,
} from './store.ts';

/** An authority store that keeps everything in memory: nothing in it outlives the process. */
export function createMemoryAuthorityStore(): AuthorityStore {
  const hierarchy = new MemoryHierarchy();
  const certificates = new Map<string, CertificateRecord>();
  const tokens = new MemoryJoinTokens();
  const evidence = new Map<string, number>();
  let clockMarks: ClockMarks | undefined;
  return {
    changeHierarchy: async (change) => hierarchy.change(change),
    caCertificates: async () => hierarchy.certificates(),
    hierarchyNotes: async () => hierarchy.notes,
    lastLeafEnd: async (issuer) => {
      const ends = [...certificates.values()]
        .filter((each) => each.issuer === issuer && isLeaf(each.kind) && each.revocation === undefined)
        .map(({ notAfter }) => notAfter);
      return ends.length === 0 ? undefined : Math.max(...ends);
    },
    addJoinToken: async (token) => tokens.add(token),
    claimJoinToken: (tokenHash, at) => tokens.claim(tokenHash, at),
    useEvidence: async (hash, until) => {
      if (evidence.has(hash)) return false;
      evidence.set(hash, until);
      return true;
    },
    addCertificate: async (certificate) => addOnce(certificates, certificate),
    issued: (certificate) => ({ row: certificate, store: async () => addOnce(certificates, certificate) }),
    certificate: async (serial) => certificates.get(serial),
    certificates: async ({ spiffeId, before = Infinity, limit }) =>
      [...certificates.values()]
        .filter((certificate) => spiffeId === undefined || certificate.spiffeId === spiffeId)
        .filter(({ sequence }) => sequence < before)
        .sort((a, b) => b.sequence - a.sequence)
        .slice(0, limit),
    revokeCertificate: async (serial, revocation) => {
      const certificate = certificates.get(serial);
      if (certificate === undefined || certificate.revocation !== undefined) return false;
      certificates.set(serial, { ...certificate, revocation });
      return true;
    },
    ...revocationMethods(certificates),
    ...livingMethods(certificates),
    clockMarks: async () => clockMarks,
    keepClockMarks: async (marks) => void (clockMarks = marks),
    prune: async (endedBefore) => {
      tokens.prune(endedBefore);
      for (const [hash, until] of evidence) if (until < endedBefore) evidence.delete(hash);
      for (const { serial, notAfter, kind } of certificates.values()) {
        if (notAfter < endedBefore && isLeaf(kind)) certificates.delete(serial);
      }
    },
  };
}

function livingMethods(
  certificates: ReadonlyMap<string, CertificateRecord>,
): Pick<AuthorityStore, 'longLivedCertificates' | 'workloadCertificates'> {
  return {
    longLivedCertificates: async ({ after, before, lifeMs }) =>
      [...certificates.values()].filter(
        ({ revocation, notBefore, notAfter }) =>
          revocation === undefined && notAfter > after && notAfter <= before && notAfter - notBefore > lifeMs,
      ),
    workloadCertificates: async (at) =>
      [...certificates.values()].filter(
        ({ kind, revocation, notAfter }) => kind === 'workload' && revocation === undefined && notAfter > at,
      ),
  };
}

function revocationMethods(
  certificates: Map<string, CertificateRecord>,
): Pick<
  AuthorityStore,
  'certificatesOf' | 'revokeCertificates' | 'revokedCertificates' | 'revokedBySerial' | 'scopeContent' | 'revokeScope'
> {
  return {
    certificatesOf: async (serials) => serials.flatMap((serial) => certificates.get(serial) ?? []),
    revokeCertificates: async (serials, revocation) => {
      const known = serials.flatMap((serial) => certificates.get(serial) ?? []);
      const meant = known.filter((each) => each.revocation === undefined);
      for (const certificate of meant) certificates.set(certificate.serial, { ...certificate, revocation });
      return meant.length;
    },
    revokedCertificates: async ({ endAfter, after, limit }) =>
      [...certificates.values()]
        .filter(({ notAfter, sequence }) => notAfter > endAfter && sequence > after)
        .sort((one, other) => one.sequence - other.sequence)
        .flatMap(({ serial, issuer, sequence, revocation }) =>
          revocation === undefined ? [] : [{ serial, issuer, sequence, at: revocation.at, reason: revocation.reason }],
        )
        .slice(0, limit),
    revokedBySerial: async (at) =>
      [...certificates.values()].filter(
        ({ revocation, notAfter }) => revocation !== undefined && revocation.rule === undefined && notAfter > at,
      ),
    scopeContent: async (scope, at) => {
      const meant = [...certificates.values()]
        .filter((each) => each.revocation === undefined && each.notAfter > at && isMeant(scope, each))
        .sort((a, b) => b.sequence - a.sequence);
      const stragglers = meant.filter(({ notBefore }) => notBefore > scope.notBeforeUntil);
      return { count: meant.length, newest: meant.slice(0, 20), stragglers };
    },
    revokeScope: async (scope, revocation) => {
      const meant = [...certificates.values()].filter((each) => each.revocation === undefined && isMeant(scope, each));
      for (const certificate of meant) certificates.set(certificate.serial, { ...certificate, revocation });
      return meant.length;
    },
  };
}

class MemoryHierarchy {
  #certificates: ReadonlyMap<string, CaCertificateRecord> = new Map();
  notes: HierarchyNotes = { bundleSequence: 0, request: undefined };

  certificates(): CaCertificateRecord[] {
    return [...this.#certificates.values()];
  }

  change({ added = [], states = [], bundleSequence, request }: HierarchyChange): void {
    const next = new Map(this.#certificates);
    for (const certificate of added) addOnce(next, certificate);
    for (const { serial, state, since } of states) {
      const certificate = next.get(serial);
      if (certificate === undefined) throw new RampartError('STORAGE_FAILED', `no CA certificate ${serial} is stored`);
      next.set(serial, { ...certificate, state, since });
    }
    this.#certificates = next;
    this.notes = {
      bundleSequence: bundleSequence ?? this.notes.bundleSequence,
      request: request === undefined ? this.notes.request : request === 'none' ? undefined : request,
    };
  }
}

class MemoryJoinTokens {
  readonly #unused = new Map<string, JoinTokenRecord>();
  readonly #used = new Map<string, JoinTokenRecord>();
  readonly #turns = new Turns();

  add(token: JoinTokenRecord): void {
    this.#unused.set(token.tokenHash, token);
  }

  async claim(tokenHash: string, at: number): Promise<JoinTokenClaim> {
    const release = await this.#turns.take(tokenHash);
    const claim = this.#standing(tokenHash, at);
    if (claim.outcome !== 'unused') {
      release();
      return claim;
    }
    const { token } = claim;
    return { outcome: 'claimed', token, use: { row: token, store: async () => this.#use(token) }, release };
  }

  #standing(
    tokenHash: string,
    at: number,
  ): Exclude<JoinTokenClaim, ClaimedJoinToken> | { readonly outcome: 'unused'; readonly token: JoinTokenRecord } {
    const used = this.#used.get(tokenHash);
    if (used !== undefined) return { outcome: 'used', token: used };
    const token = this.#unused.get(tokenHash);
    if (token === undefined) return { outcome: 'unknown' };
    return { outcome: at < token.expiresAt ? 'unused' : 'expired', token };
  }

  #use(token: JoinTokenRecord): void {
    if (!this.#unused.delete(token.tokenHash)) {
      throw new RampartError('STORAGE_FAILED', 'the join token was used meanwhile');
    }
    this.#used.set(token.tokenHash, token);
  }

  prune(endedBefore: number): void {
    for (const tokens of [this.#unused, this.#used]) {
      for (const { tokenHash, expiresAt } of tokens.values()) if (expiresAt < endedBefore) tokens.delete(tokenHash);
    }
  }
}

function isLeaf(kind: CertificateRecord['kind']): boolean {
  return kind === 'server' || kind === 'workload' || kind === 'agent';
}

function addOnce<T extends { readonly serial: string }>(records: Map<string, T>, record: T): void {
  if (records.has(record.serial)) {
    throw new RampartError('STORAGE_FAILED', `a certificate with serial ${record.serial} is already stored`);
  }
  records.set(record.serial, record);
}
