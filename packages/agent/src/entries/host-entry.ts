import { fail, ok, SpiffeId } from '@rampart/core';
import type { Result, TrustDomain } from '@rampart/core';
import type { Entry } from '@rampart/wire/agent';

/** An identity that this agent may hand out, and to whom. */
export interface HostEntry {
  /** "namespace/name" of its RegistrationEntry. */
  readonly id: string;
  readonly spiffeId: SpiffeId;
  /** A workload must have all of them; at least one. */
  readonly selectors: readonly string[];
  /** Names of trust domains whose bundles its workloads are told. */
  readonly federatesWith: readonly string[];
  readonly hint: string;
  /** Unix milliseconds from which it no longer holds; undefined for never. */
  readonly expiresAt: number | undefined;
  /** Differs when what was issued for another form of the entry must not be used for this one. */
  readonly terms: string;
}

/** Reads an entry; the problem says why nobody gets it. */
export function readEntry(entry: Entry, trustDomain: TrustDomain): Result<HostEntry, string> {
  const spiffeId = SpiffeId.parse(entry.spiffeId);
  if (!spiffeId.ok) return fail(spiffeId.problem);
  if (!spiffeId.value.trustDomain.equals(trustDomain)) return fail(`its identity is not of ${trustDomain.name}`);
  // All of none would be everybody.
  if (entry.selectors.length === 0) return fail('it has no selectors');
  const { id, selectors, federatesWith, hint, dnsNames, x509TtlSeconds, jwtTtlSeconds } = entry;
  return ok({
    id,
    spiffeId: spiffeId.value,
    selectors,
    federatesWith,
    hint,
    expiresAt: entry.expiresAt === 0n ? undefined : Number(entry.expiresAt),
    terms: JSON.stringify([entry.spiffeId, dnsNames, x509TtlSeconds, jwtTtlSeconds]),
  });
}
