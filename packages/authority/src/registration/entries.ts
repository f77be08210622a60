import { isEvidenceSelector, qualifiedName, SpiffeId } from '@rampart/core';
import type { Attestor, RegistrationEntry } from '@rampart/core';
import type { WorkloadIdentity } from '../store.ts';

/** The registration entries and attestors in force, all of which are usable: of this trust domain, and read without problem. */
export interface EntrySource {
  entries(): readonly RegistrationEntry[];
  /** By "namespace/name". */
  entry(id: string): RegistrationEntry | undefined;
  attestors(): readonly Attestor[];
}

/** What an entry asks of a certificate. */
export interface EntryTerms {
  /** "namespace/name". */
  readonly id: string;
  /** Absent: what certificates live otherwise. */
  readonly ttlMs?: number;
  readonly dnsNames: readonly string[];
  /** Unix milliseconds at which the entry ends, and so what is issued by it; absent: never. */
  readonly endsAt?: number;
}

/** For an authority that knows join tokens only. */
export const NO_ENTRIES: EntrySource = { entries: () => [], entry: () => undefined, attestors: () => [] };

export function isInForce({ spec: { expiresAt } }: RegistrationEntry, now: number): boolean {
  return expiresAt === undefined || now < expiresAt;
}

/**
 * Whether an agent may hand out an entry: one that names it as parent, or none. What is said of evidence is for the control
 * plane alone to judge.
 */
export function isForAgent({ spec: { parentId, selectors } }: RegistrationEntry, agent: SpiffeId): boolean {
  return (parentId === undefined || parentId === agent.toString()) && !selectors.some(isEvidenceSelector);
}

export function termsOf(entry: RegistrationEntry): EntryTerms {
  const { x509SvidTtlMs, dnsNames = [], expiresAt } = entry.spec;
  return {
    id: qualifiedName(entry),
    dnsNames,
    ...(x509SvidTtlMs === undefined ? {} : { ttlMs: x509SvidTtlMs }),
    ...(expiresAt === undefined ? {} : { endsAt: expiresAt }),
  };
}

/** What workloads of an entry are to the mesh; undefined for an identity that is not of the form ns/…/sa/…. */
export function workloadOfEntry({ spec }: RegistrationEntry): WorkloadIdentity | undefined {
  const { namespace, serviceAccount } = SpiffeId.of(spec.spiffeId);
  if (namespace === undefined || serviceAccount === undefined) return undefined;
  return { namespace, serviceAccount, service: spec.service ?? '', labels: spec.labels ?? {} };
}
