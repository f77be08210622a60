import type { Clock } from './clock.ts';

/** Something that is to count once. */
export interface OnceClaim {
  /** Equal for what is the same. */
  readonly name: string;
  /** Unix milliseconds. */
  readonly created: number;
  /** How long after that it could count, in milliseconds. */
  readonly keepMs: number;
}

/** `new` counts; `seen` came before; `old` may have come before and was forgotten; `full` cannot be remembered. */
export type OnceStanding = 'new' | 'seen' | 'old' | 'full';

export interface ReplayCacheOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** What was created before may have come already; Unix milliseconds. */
  readonly knownSince: number;
  /** How many that are young enough to count, at a time: 200 bytes each. 100,000 when left out. */
  readonly most?: number;
  /** The names of what is remembered by this cache and by others that are given the same set: what one saw, all have seen. */
  readonly names?: Set<string>;
}

const MOST = 100_000;

interface Seen {
  readonly created: number;
  readonly until: number;
}

/** Remembers what was seen until it would not count any more, in bounded memory. What cannot be remembered is not taken. */
export class ReplayCache {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #most: number;
  /** By name, in the order in which they came. */
  readonly #seen = new Map<string, Seen>();
  readonly #names: Set<string>;
  /** Before this began, or long enough ago to be forgotten by another rule. */
  #knownSince: number;

  constructor({ clock, knownSince, most = MOST, names = new Set() }: ReplayCacheOptions) {
    this.#clock = clock;
    this.#most = most;
    this.#names = names;
    this.#knownSince = knownSince;
  }

  take({ name, created, keepMs }: OnceClaim): OnceStanding {
    const now = this.#clock.now();
    this.#forget(now);
    // One that would not count any more by the rule of then may count by the one of now.
    if (this.#names.has(name)) return 'seen';
    if (created < this.#knownSince) return 'old';
    if (this.#seen.size >= this.#most) return 'full';
    this.#seen.set(name, { created, until: created + keepMs });
    this.#names.add(name);
    return 'new';
  }

  /** Stops at the first that still counts: one that came before it and counts longer keeps the others a little longer. */
  #forget(now: number): void {
    for (const [name, { created, until }] of this.#seen) {
      if (until >= now) return;
      this.#seen.delete(name);
      this.#names.delete(name);
      this.#knownSince = Math.max(this.#knownSince, created + 1);
    }
  }
}
