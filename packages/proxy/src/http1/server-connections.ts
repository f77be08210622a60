import type { Clock } from '@rampart/core';

import { farewell } from '../stream/farewell.ts';
import type { ByteStream } from '../stream/byte-stream.ts';
import { ownResponseText } from './head-text.ts';
import type { ReaderLimits } from './message-reader.ts';
import { Patience } from './patience.ts';
import type { PatienceLimits } from './patience.ts';
import { ServerConnection } from './server-connection.ts';
import type { ReadingProblem } from './server-connection.ts';
import type { ServerExchange } from './server-exchange.ts';

/** What becomes of the requests of one connection. */
export interface Service {
  request(exchange: ServerExchange): void;
  /** A request could not be read; its sender was told. */
  unreadable?(problem: ReadingProblem): void;
}

/** A stream that requests come on. */
export interface Arrival {
  readonly stream: ByteStream;
  /** What was read of it before. */
  readonly head?: Buffer | undefined;
}

export interface ServerConnectionsOptions {
  readonly clock: Clock;
  readonly patience?: PatienceLimits | undefined;
  /** Of the heads of requests. */
  readonly limits?: ReaderLimits | undefined;
}

/** The open connections that requests come on: those that do not go on are given up. */
export class ServerConnections {
  readonly #open = new Set<ServerConnection>();
  readonly #clock: Clock;
  readonly #limits: ReaderLimits | undefined;
  readonly #patience: Patience;

  constructor({ clock, patience, limits }: ServerConnectionsOptions) {
    this.#clock = clock;
    this.#limits = limits;
    this.#patience = new Patience(clock, patience);
  }

  get size(): number {
    return this.#open.size;
  }

  serve({ stream, head }: Arrival, service: Service): void {
    const clock = this.#clock;
    const server: ServerConnection = new ServerConnection({
      stream,
      limits: this.#limits,
      handler: {
        request: (exchange) => service.request(exchange),
        unreadable: (problem) => {
          refuse(stream, problem, clock);
          service.unreadable?.(problem);
        },
        switched: () => this.#patience.forget(server),
        closed: () => {
          this.#open.delete(server);
          this.#patience.forget(server);
        },
      },
    });
    this.#open.add(server);
    this.#patience.watch(server);
    server.start(head);
  }

  /** Asks every caller to come back elsewhere, once its answer is complete. */
  drain(): void {
    for (const server of this.#open) server.retire();
  }

  /** Closes every connection. */
  close(): void {
    for (const server of this.#open) server.stream.reset();
  }
}

function refuse(stream: ByteStream, { status, reason }: ReadingProblem, clock: Clock): void {
  const body = `${reason}\n`;
  const headers = ['content-type', 'text/plain', 'content-length', String(body.length)];
  farewell(stream, Buffer.from(`${ownResponseText(status, headers, true)}${body}`, 'latin1'), clock);
}
