import type { Clock, Result, Timer, TrustDomain } from '@rampart/core';
import { fail } from '@rampart/core';
import type { Journal } from '@rampart/journal';
import { parseBundleJson, type TrustBundle } from '@rampart/spiffe';
import { fetchBundleDocument } from './bundle-client.ts';
import { federationEvent, isSameBundle } from './events.ts';
import { bootstrapHash, endpointDomain, type Relationship } from './relationship.ts';
import type { FederatedBundleRecord, FederationStore } from './store.ts';

/** What neighbours share. */
export interface NeighbourParts {
  readonly store: FederationStore;
  readonly journal: Journal;
  readonly clock: Clock;
  /** PEM roots that count for https_web beside those of this machine. */
  readonly webRoots?: string;
  /** Roots of a trust domain: its own, never those of several. */
  rootsOf(trustDomain: TrustDomain): readonly Uint8Array[];
  changed(): void;
  failed(error: unknown): void;
}

/** How a relationship stands. */
export interface NeighbourStatus {
  readonly relationship: Relationship;
  readonly bundle: TrustBundle | undefined;
  /** Unix milliseconds; 0 for never. */
  readonly fetchedAt: number;
  readonly nextPollAt: number;
  /** Why there is no newer bundle; "" when the last poll succeeded. */
  readonly problem: string;
}

/** Where the document has no refresh hint (SPIFFE_Federation.md §4.1). */
const DEFAULT_POLL_SECONDS = 300;
const LONGEST_POLL_SECONDS = 24 * 3600;
/** A partner that changes its bundle all the time keeps nobody busier than this. */
const SHORTEST_POLL_SECONDS = 10;

/** One federated trust domain: its last good bundle, and the polling for the next. */
export class Neighbour {
  readonly relationship: Relationship;
  readonly #parts: NeighbourParts;
  #bundle: TrustBundle | undefined;
  #fetchedAt = 0;
  #nextPollAt = 0;
  #problem = '';
  #timer: Timer | undefined;
  #ended = false;

  constructor(relationship: Relationship, parts: NeighbourParts) {
    this.relationship = relationship;
    this.#parts = parts;
  }

  get bundle(): TrustBundle | undefined {
    return this.#bundle;
  }

  get status(): NeighbourStatus {
    const [fetchedAt, nextPollAt, problem] = [this.#fetchedAt, this.#nextPollAt, this.#problem];
    return { relationship: this.relationship, bundle: this.#bundle, fetchedAt, nextPollAt, problem };
  }

  /** Begins with what was stored, unless the operator has given another first bundle since; then polls. */
  async start(stored: FederatedBundleRecord | undefined): Promise<void> {
    const { bootstrap } = this.relationship;
    const known = stored?.bootstrapHash === bootstrapHash(this.relationship) ? stored : undefined;
    // What an earlier version kept and this one cannot read is no reason to go without the first bundle.
    const isKnown = known !== undefined && (await this.#begin(known.document, known.fetchedAt));
    if (!isKnown && bootstrap !== undefined && (await this.#begin(bootstrap, 0))) await this.#keep(bootstrap, 0);
    this.#parts.changed();
    this.#later(0);
  }

  /** False when the document cannot be used. */
  async #begin(document: string, fetchedAt: number): Promise<boolean> {
    const parsed = parseBundleJson(this.relationship.trustDomain, document);
    if (parsed.ok) {
      this.#bundle = parsed.value;
      this.#fetchedAt = fetchedAt;
    } else {
      await this.#miss(`the ${fetchedAt === 0 ? 'first' : 'last'} bundle cannot be used: ${parsed.problem}`);
    }
    return parsed.ok;
  }

  /** Nothing that is under way changes anything from here on. */
  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
  }

  async #poll(): Promise<void> {
    try {
      const document = await this.#fetch();
      if (this.#ended) return;
      const parsed = document.ok ? parseBundleJson(this.relationship.trustDomain, document.value) : document;
      if (!document.ok || !parsed.ok) await this.#miss(parsed.ok ? '' : parsed.problem);
      else await this.#adopt(document.value, parsed.value);
    } catch (error) {
      this.#parts.failed(error);
    }
    // On failure too the next poll is the next attempt (SPIFFE_Federation.md §5.2).
    this.#later(pollSeconds(this.#bundle) * 1000);
  }

  async #fetch(): Promise<Result<string, string>> {
    const { clock, webRoots, rootsOf } = this.#parts;
    const domain = endpointDomain(this.relationship);
    const roots = domain === undefined ? [] : rootsOf(domain);
    if (domain !== undefined && roots.length === 0) {
      return fail(`there is no bundle of ${domain.name} to judge the endpoint with; give a new trustDomainBundle`);
    }
    const trust = { roots, now: clock.now(), ...(webRoots === undefined ? {} : { webRoots }) };
    return fetchBundleDocument(this.relationship, trust);
  }

  /** Durable first: after a restart there is never an older bundle than was in force before. */
  async #adopt(document: string, bundle: TrustBundle): Promise<void> {
    const previous = this.#bundle;
    const fetchedAt = this.#parts.clock.now();
    const isNew = !isSameBundle(previous, bundle);
    if (isNew || this.#fetchedAt === 0) await this.#keep(document, fetchedAt);
    if (this.#ended) return;
    this.#fetchedAt = fetchedAt;
    this.#problem = '';
    if (!isNew) return;
    const event = federationEvent('FEDERATION_BUNDLE_CHANGED', this.relationship, { bundle, previous });
    await this.#parts.journal.audit(event);
    if (this.#ended) return;
    this.#bundle = bundle;
    this.#parts.changed();
  }

  /** The last good bundle stays. One and the same problem is put on record once, however often it is met. */
  async #miss(problem: string): Promise<void> {
    if (problem === this.#problem) return;
    this.#problem = problem;
    const event = federationEvent('FEDERATION_BUNDLE_UNAVAILABLE', this.relationship, { problem });
    await this.#parts.journal.audit(event);
  }

  async #keep(document: string, fetchedAt: number): Promise<void> {
    const { trustDomain } = this.relationship;
    const hash = bootstrapHash(this.relationship);
    await this.#parts.store.putFederatedBundle({
      trustDomain: trustDomain.name,
      document,
      bootstrapHash: hash,
      fetchedAt,
    });
  }

  #later(delayMs: number): void {
    if (this.#ended) return;
    this.#nextPollAt = this.#parts.clock.now() + delayMs;
    this.#timer = this.#parts.clock.after(delayMs, () => void this.#poll());
  }
}

function pollSeconds(bundle: TrustBundle | undefined): number {
  const hint = bundle?.refreshHintSeconds ?? 0;
  return hint === 0 ? DEFAULT_POLL_SECONDS : Math.max(SHORTEST_POLL_SECONDS, Math.min(hint, LONGEST_POLL_SECONDS));
}
