import type { Clock } from '@rampart/core';
import type { Revocations } from '../revocations.ts';
import type { AuthorityStore, ClockMarks } from '../store.ts';

const HOUR_MS = 3600 * 1000;
const DAY_MS = 24 * HOUR_MS;

export interface ForgettingOptions {
  readonly store: Pick<AuthorityStore, 'clockMarks' | 'keepClockMarks' | 'prune'>;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * Forgets what has ended: tokens, evidence, leaves, revocations of leaves. A clock that jumps ahead and back must not have ended
 * anything for good, so only that is forgotten which had ended when the clock stood a day behind, by a mark that is durable.
 */
export class Forgetting {
  readonly #options: ForgettingOptions;
  #marks: ClockMarks | undefined;
  #lookedAt: number | undefined;

  private constructor(options: ForgettingOptions, marks: ClockMarks | undefined) {
    this.#options = options;
    this.#marks = marks;
  }

  static async open(options: ForgettingOptions): Promise<Forgetting> {
    return new Forgetting(options, await options.store.clockMarks());
  }

  /** What ended before may be forgotten, Unix milliseconds; 0 while nothing may. */
  get before(): number {
    return Math.max(0, Math.min(this.#marks?.past ?? 0, this.#options.clock.now() - DAY_MS));
  }

  /** Does something once an hour at most. */
  async run(revocations: Pick<Revocations, 'forget'>): Promise<void> {
    const { store, clock } = this.#options;
    const now = clock.now();
    if (this.#lookedAt !== undefined && Math.abs(now - this.#lookedAt) < HOUR_MS) return;
    this.#lookedAt = now;
    const marks = nextMarks(this.#marks, now);
    if (marks !== this.#marks) await store.keepClockMarks(marks);
    this.#marks = marks;
    revocations.forget(this.before);
    await store.prune(this.before);
  }
}

/** A mark of the future is one of a clock that has gone back since. */
export function nextMarks(marks: ClockMarks | undefined, now: number): ClockMarks {
  if (marks === undefined) return { past: 0, latest: now };
  if (now < marks.latest) return { ...marks, latest: now };
  return now - marks.latest < DAY_MS ? marks : { past: marks.latest, latest: now };
}
