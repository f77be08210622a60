import { type Clock, type OnceClaim, type OnceStanding, ReplayCache } from '@rampart/core';

/** Identities whose services take signed requests. Beyond that everything is forgotten, and only what is signed from then on is taken. */
const MOST_IDENTITIES = 10_000;
/** Of the time in a signature (RFC 9421 §2.3). */
const SECOND_MS = 1000;
/** What data planes take of a caller whose clock is ahead. */
const CLOCK_SKEW_MS = 5000;
/** Clocks are never further apart: certificates would not hold either. */
const FAR_AHEAD_MS = 60_000;

export interface SeenNoncesOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** No control plane ran for this mesh before: nothing can have come to it. */
  readonly isFirst: boolean;
}

/**
 * Which signed requests came, to any instance of a service: each identity has a memory of its own, and cannot fill another's. What
 * one has seen none takes again, because instances of one service may be of several: nobody knows the name of a claim, which says
 * the service, but who has the request.
 */
export class SeenNonces {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #memories = new Map<string, ReplayCache>();
  readonly #names = new Set<string>();
  /** What was signed before may have come to a control plane that ran before this one. */
  #knownSince: number;

  constructor({ clock, isFirst }: SeenNoncesOptions) {
    this.#clock = clock;
    this.#knownSince = isFirst ? 0 : unseenFrom(clock.now());
  }

  /** For a data plane of `identity` (SPIFFE ID). */
  take(identity: string, claim: OnceClaim): OnceStanding {
    return claim.created > this.#clock.now() + FAR_AHEAD_MS ? 'old' : this.#memoryOf(identity).take(claim);
  }

  #memoryOf(identity: string): ReplayCache {
    const known = this.#memories.get(identity);
    if (known !== undefined) return known;
    if (this.#memories.size >= MOST_IDENTITIES) {
      this.#memories.clear();
      this.#names.clear();
      this.#knownSince = unseenFrom(this.#clock.now());
    }
    const memory = new ReplayCache({ clock: this.#clock, knownSince: this.#knownSince, names: this.#names });
    this.#memories.set(identity, memory);
    return memory;
  }
}

/** Nobody can have sent before `now` what is signed then: times of signatures are whole seconds, by a clock that may be ahead. */
function unseenFrom(now: number): number {
  return (Math.floor((now + CLOCK_SKEW_MS) / SECOND_MS) + 1) * SECOND_MS;
}
