import { createHash } from 'node:crypto';

import type { Clock } from '@rampart/core';

import type { NonceClaim, Nonces, NonceStanding } from './nonces.ts';

/** Signatures that are young enough to count, at a time: 100 bytes each. */
const MOST = 100_000;
/** Of the time in a signature (RFC 9421 §2.3). */
const SECOND_MS = 1000;

interface Seen {
  readonly created: number;
  readonly until: number;
}

/** Remembers what was seen until it would not count any more, in bounded memory. What cannot be remembered is not taken. */
export class ReplayCache implements Nonces {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #most: number;
  /** By digest, in the order in which they came. */
  readonly #seen = new Map<string, Seen>();
  /** What was signed before may have come already: before this began, or long enough ago to be forgotten by another policy. */
  #knownSince: number;

  constructor(clock: Pick<Clock, 'now'>, most: number = MOST) {
    this.#clock = clock;
    this.#most = most;
    this.#knownSince = Math.floor(clock.now() / SECOND_MS) * SECOND_MS;
  }

  take({ signer, nonce, created, keepMs }: NonceClaim): NonceStanding {
    const now = this.#clock.now();
    this.#forget(now);
    const name = createHash('sha256').update(`${signer}\n${nonce}`).digest('base64url');
    if ((this.#seen.get(name)?.until ?? Number.NEGATIVE_INFINITY) >= now) return 'seen';
    if (created < this.#knownSince) return 'old';
    if (this.#seen.size >= this.#most) return 'full';
    this.#seen.set(name, { created, until: created + keepMs });
    return 'new';
  }

  /** Stops at the first that still counts: one that came before it and counts longer keeps the others a little longer. */
  #forget(now: number): void {
    for (const [name, { created, until }] of this.#seen) {
      if (until >= now) return;
      this.#seen.delete(name);
      this.#knownSince = Math.max(this.#knownSince, created + 1);
    }
  }
}
