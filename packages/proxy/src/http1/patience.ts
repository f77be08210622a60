import type { Clock } from '@rampart/core';

import type { ServerConnection } from './server-connection.ts';

/** What a caller is waited for, in milliseconds. */
export interface PatienceLimits {
  /** For the next request on a connection. */
  readonly request: number;
  /** From a request's first byte to the end of its head, however its bytes trickle in. */
  readonly head: number;
  /** For more of a body that is not whole yet, while nobody holds it back and no answer has begun. */
  readonly body: number;
  /** For a byte in either direction while a request is under way. */
  readonly answer: number;
  /** For a caller that was told to leave. */
  readonly goodbye: number;
}

/**
 * Envoy's, where it has them: `idle_timeout`, `request_headers_timeout`, `stream_idle_timeout`; for bodies nginx's
 * `client_body_timeout`.
 */
const USUAL: PatienceLimits = { request: 3_600_000, head: 10_000, body: 60_000, answer: 300_000, goodbye: 5_000 };

/** Between two looks at all connections: one timer for all of them costs less than one for each. */
const LOOK_MS = 1_000;

/** What was seen of a connection at the last look that saw it change. */
interface Sight {
  awaits: ServerConnection['awaits'];
  progress: number;
  at: number;
}

/** Gives up callers that keep a connection and do not go on. */
export class Patience {
  readonly #clock: Clock;
  readonly #limits: PatienceLimits;
  readonly #sights = new Map<ServerConnection, Sight>();
  #isLooking = false;

  constructor(clock: Clock, limits: PatienceLimits = USUAL) {
    this.#clock = clock;
    this.#limits = limits;
  }

  watch(connection: ServerConnection): void {
    this.#sights.set(connection, { awaits: 'request', progress: 0, at: this.#clock.now() });
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#clock.after(LOOK_MS, () => this.#look());
  }

  forget(connection: ServerConnection): void {
    this.#sights.delete(connection);
  }

  #look(): void {
    const now = this.#clock.now();
    for (const [connection, sight] of this.#sights) this.#judge(connection, sight, now);
    this.#isLooking = this.#sights.size > 0;
    if (this.#isLooking) this.#clock.after(LOOK_MS, () => this.#look());
  }

  #judge(connection: ServerConnection, sight: Sight, now: number): void {
    const { awaits, stream, served } = connection;
    // Bytes of a head are no progress: one that trickles in is what this is against.
    const progress = awaits === 'answer' || awaits === 'body' ? stream.bytesRead + stream.bytesWritten : served;
    if (sight.awaits !== awaits || sight.progress !== progress) {
      Object.assign(sight, { awaits, progress, at: now } satisfies Sight);
    } else if (now - sight.at >= this.#limits[awaits]) {
      sight.at = now;
      connection.expire();
    }
  }
}
