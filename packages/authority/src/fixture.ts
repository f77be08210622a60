import { RampartError, SpiffeId, TrustDomain } from '@rampart/core';
import { auditRecord, createMemoryJournalStore, Journal } from '@rampart/journal';
import type { AuditRecord, JournalEntry, JournalStore } from '@rampart/journal';
import { MemoryKeyStore } from '@rampart/keyring';
import type { KeyStore } from '@rampart/keyring';
import { createCsr, generateKeyPair, parseCertificate } from '@rampart/spiffe';
import type { ParsedCertificate } from '@rampart/spiffe';
import { openAuthority } from './authority.ts';
import type { Authority, AuthorityOptions, Requester } from './authority.ts';
import type { IssuedSvid } from './issuance/issuance.ts';
import { createMemoryAuthorityStore } from './memory-store.ts';
import { createMemoryRevocationEpoch, createMemoryRevocationStore } from './revocation/memory-store.ts';
import type { RevocationEpoch, RevocationStore } from './revocation/store.ts';
import type { AuthorityStore, WorkloadIdentity } from './store.ts';

export const T0: number = Date.UTC(2026, 0, 20, 10, 30) + 123;
export const DAY: number = 24 * 3600 * 1000;
export const ORDERS: WorkloadIdentity = {
  namespace: 'default',
  serviceAccount: 'orders',
  service: 'orders-api',
  labels: { version: '2' },
};
export const ORDERS_ID: SpiffeId = SpiffeId.of('spiffe://cluster.local/ns/default/sa/orders');

/** An operator. */
export const ANN: Requester = { name: 'ann', sourceIp: '192.0.2.7' };

/** An authority on stores in memory, and everything around it that a test may want to see or spoil. */
export interface AuthorityFixture {
  readonly authority: Authority;
  readonly clock: { time: number; now(): number; after(): { cancel(): void } };
  readonly store: AuthorityStore;
  readonly keys: KeyStore;
  readonly journal: Journal;
  readonly journalStore: JournalStore;
  readonly revocations: { readonly acts: RevocationStore; readonly epoch: RevocationEpoch };
  /** What reached the store. */
  readonly seen: { tokens: { tokenHash: string }[] };
  /** Newest first. */
  readonly audit: () => Promise<AuditRecord[]>;
  /** Oldest first. */
  readonly ledger: () => Promise<readonly JournalEntry[]>;
  readonly reopen: (change?: Partial<AuthorityOptions>) => Promise<Authority>;
  readonly failJournal: () => void;
}

export async function openFixture(
  options: Partial<Pick<AuthorityOptions, 'store' | 'lifetimes' | 'entries'>> & { readonly now?: number } = {},
): Promise<AuthorityFixture> {
  const clock = {
    time: options.now ?? T0,
    now(): number {
      return this.time;
    },
    after: () => ({ cancel: () => {} }),
  };
  const seen: AuthorityFixture['seen'] = { tokens: [] };
  const inner = options.store ?? createMemoryAuthorityStore();
  const store: AuthorityStore = {
    ...inner,
    addJoinToken: (token) => {
      seen.tokens.push(token);
      return inner.addJoinToken(token);
    },
  };
  const keys = new MemoryKeyStore();
  const journalStore = createMemoryJournalStore();
  let failing = false;
  const append: typeof journalStore.append = (batch) =>
    failing ? Promise.reject(new RampartError('STORAGE_FAILED', 'disk full')) : journalStore.append(batch);
  const journal = await Journal.open({ ...journalStore, append }, clock);
  const revocations = { acts: createMemoryRevocationStore(), epoch: createMemoryRevocationEpoch() };
  const reopen = (change: Partial<AuthorityOptions> = {}): Promise<Authority> =>
    openAuthority({
      trustDomain: TrustDomain.of('cluster.local'),
      keys,
      store,
      journal,
      clock,
      lifetimes: options.lifetimes ?? {},
      revocations,
      ...(options.entries === undefined ? {} : { entries: options.entries }),
      ...change,
    });
  const authority = await reopen();
  return {
    authority,
    clock,
    store,
    keys,
    journal,
    journalStore,
    revocations,
    seen,
    audit: async () => (await journal.read({ stream: 'audit', limit: 1000, order: 'newest-first' })).map(auditRecord),
    ledger: () => journal.read({ stream: 'ledger', limit: 1000, order: 'oldest-first' }),
    reopen,
    failJournal: () => void (failing = true),
  };
}

/** A first certificate for `ORDERS`. */
export async function attest(authority: Authority, change: { readonly csr?: Uint8Array } = {}): Promise<IssuedSvid> {
  const { token } = await authority.createJoinToken(ORDERS);
  const attested = await authority.attest(token, change.csr ?? csr(), '10.0.0.1');
  if (!attested.ok) throw attested.problem;
  return attested.value;
}

export function csr(): Uint8Array {
  return createCsr(generateKeyPair());
}

export function publicKey(): Uint8Array {
  return new Uint8Array(generateKeyPair().publicKey.export({ type: 'spki', format: 'der' }));
}

export function read(der: Uint8Array): ParsedCertificate {
  const parsed = parseCertificate(der);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.value;
}
