import type { Clock } from '@rampart/core';

import { lateAnswer, lateBody } from '../http/given-up.ts';
import type { ReaderLimits } from '../http1/message-reader.ts';
import type { Arrival } from '../http1/server-connections.ts';
import { Http2ServerSession } from './server-session.ts';
import type { Http2Exchange } from './server-exchange.ts';
import type { Http2Service } from './server-session.ts';
import { Standstill } from './standstill.ts';

/** What callers over HTTP/2 are waited for, in milliseconds. */
export interface Http2Patience {
  /** Between two looks at all connections. */
  readonly look: number;
  /** Between two counts of the frames that carry nothing, and two looks at bodies. */
  readonly audit: number;
  /** For the answer to a PING on a connection with requests under way. */
  readonly pong: number;
  /** For a caller to read what there is for it. */
  readonly stall: number;
  /** For more of a body that is not whole yet, while nobody holds it back and no answer has begun. */
  readonly body: number;
}

/**
 * Requests that say nothing for a long time are what streams of gRPC do: what is given up is a caller that is gone, that
 * does not take its answer, or that does not send the body of another request.
 */
const USUAL: Http2Patience = { look: 30_000, audit: 2_000, pong: 15_000, stall: 300_000, body: 60_000 };
const NOTHING = Buffer.alloc(0);

export interface Http2SessionsOptions {
  readonly clock: Clock;
  readonly patience?: Http2Patience;
  /** Of the heads of requests. */
  readonly limits?: ReaderLimits;
}

/** The open connections of HTTP/2 that requests come on. */
export class Http2ServerSessions {
  readonly #clock: Clock;
  readonly #limits: ReaderLimits | undefined;
  readonly #patience: Http2Patience;
  readonly #open = new Set<Http2ServerSession>();
  readonly #stalls: Standstill;
  readonly #lateBodies: Standstill;
  #isLooking = false;
  #isAuditing = false;

  constructor({ clock, patience = USUAL, limits }: Http2SessionsOptions) {
    this.#clock = clock;
    this.#limits = limits;
    this.#patience = patience;
    this.#stalls = new Standstill({ patience: patience.stall, reason: lateAnswer });
    this.#lateBodies = new Standstill({ patience: patience.body, reason: lateBody });
  }

  get size(): number {
    return this.#open.size;
  }

  serve({ stream, head = NOTHING }: Arrival, service: Http2Service): void {
    const session: Http2ServerSession = new Http2ServerSession({
      stream,
      head,
      clock: this.#clock,
      service,
      limits: this.#limits,
      closed: () => this.#open.delete(session),
    });
    this.#open.add(session);
    this.#lookLater();
    this.#auditLater();
  }

  /** Asks every caller to come back elsewhere; requests under way go on. */
  drain(): void {
    for (const session of this.#open) session.retire();
  }

  /** Closes every connection. */
  close(): void {
    for (const session of this.#open) session.close();
  }

  #lookLater(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#clock.after(this.#patience.look, () => {
      this.#isLooking = false;
      this.#look();
      if (this.#open.size > 0) this.#lookLater();
    });
  }

  #auditLater(): void {
    if (this.#isAuditing) return;
    this.#isAuditing = true;
    this.#clock.after(this.#patience.audit, () => {
      this.#isAuditing = false;
      for (const session of this.#open) session.audit();
      this.#lateBodies.look(
        this.#clock.now(),
        this.#of((session) => session.unfinished()),
      );
      if (this.#open.size > 0) this.#auditLater();
    });
  }

  #look(): void {
    for (const session of this.#open) if (session.size > 0) session.ping(this.#patience.pong);
    this.#stalls.look(
      this.#clock.now(),
      this.#of((session) => session.stalled()),
    );
  }

  *#of(requests: (session: Http2ServerSession) => Iterable<Http2Exchange>): Generator<Http2Exchange> {
    for (const session of this.#open) yield* requests(session);
  }
}
