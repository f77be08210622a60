import type { Clock } from '@rampart/core';

import type { ReaderLimits } from '../http1/message-reader.ts';
import type { Arrival } from '../http1/server-connections.ts';
import { Http2ServerSession } from './server-session.ts';
import type { Http2Exchange } from './server-exchange.ts';
import type { Http2Service } from './server-session.ts';

/** What callers over HTTP/2 are waited for, in milliseconds. */
export interface Http2Patience {
  /** Between two looks at all connections. */
  readonly look: number;
  /** Between two counts of the frames that carry nothing. */
  readonly audit: number;
  /** For the answer to a PING on a connection with requests under way. */
  readonly pong: number;
  /** For a caller to read what there is for it. */
  readonly stall: number;
}

/**
 * Requests that say nothing for a long time are what streams of gRPC do: what is given up is a caller that is gone, or
 * that does not take its answer.
 */
const USUAL: Http2Patience = { look: 30_000, audit: 2_000, pong: 15_000, stall: 300_000 };
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
  /** Since when each was seen to be stalled, and how much of it was sent by then. */
  #stalls = new Map<Http2Exchange, { readonly at: number; readonly sent: number }>();
  #isLooking = false;
  #isAuditing = false;

  constructor({ clock, patience = USUAL, limits }: Http2SessionsOptions) {
    this.#clock = clock;
    this.#limits = limits;
    this.#patience = patience;
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
      if (this.#open.size > 0) this.#auditLater();
    });
  }

  #look(): void {
    const { pong, stall } = this.#patience;
    const now = this.#clock.now();
    const stalls = new Map<Http2Exchange, { readonly at: number; readonly sent: number }>();
    for (const session of this.#open) {
      if (session.size > 0) session.ping(pong);
      for (const exchange of session.stalled()) {
        const before = this.#stalls.get(exchange);
        const since = before?.sent === exchange.bytesSent ? before : { at: now, sent: exchange.bytesSent };
        if (now - since.at >= stall) exchange.expire();
        else stalls.set(exchange, since);
      }
    }
    this.#stalls = stalls;
  }
}
