import type { Clock } from '@rampart/core';
import type { OutboundRecorder, Route, Target } from '@rampart/mesh';

import type { ConnectionPool } from '../http1/connection-pool.ts';
import { ownResponseText } from '../http1/head-text.ts';
import { Patience } from '../http1/patience.ts';
import type { PatienceLimits } from '../http1/patience.ts';
import { ServerConnection } from '../http1/server-connection.ts';
import type { ByteStream } from '../stream/byte-stream.ts';
import type { Join } from '../tcp/join.ts';
import type { Destination } from './destination.ts';
import { OutboundCall } from './outbound-call.ts';

export interface OutboundHttpOptions {
  readonly recorder: OutboundRecorder;
  route(destination: Destination): Route;
  /** Connections to an instance. */
  pool(target: Target): ConnectionPool;
  /** A stream to a host outside the mesh, held to what policies leave; it closes where they leave nothing. */
  outside(destination: Destination): ByteStream;
  /** Requests under way, for the choice of instances. */
  started(target: Target): void;
  finished(target: Target): void;
  /** Carries bytes both ways after an upgrade. */
  readonly join: Join;
  isDraining(): boolean;
  readonly clock: Clock;
  readonly patience?: PatienceLimits;
}

/** Serves the HTTP/1.1 of applications of this host that want to reach somewhere else. */
export class OutboundHttp {
  readonly #options: OutboundHttpOptions;
  readonly #open = new Set<ServerConnection>();
  readonly #patience: Patience;

  constructor(options: OutboundHttpOptions) {
    this.#options = options;
    this.#patience = new Patience(options.clock, options.patience);
  }

  get open(): number {
    return this.#open.size;
  }

  /** `captured` is where the connection was meant to go; absent on the proxy port, where each request says so itself. */
  accept(stream: ByteStream, head?: Buffer, captured?: Destination): void {
    const server: ServerConnection = new ServerConnection({
      stream,
      handler: {
        request: (exchange) => OutboundCall.begin(this.#options, exchange, captured),
        unreadable: (problem) => {
          const body = `${problem.reason}\n`;
          const headers = ['content-type', 'text/plain', 'content-length', String(body.length)];
          stream.write(Buffer.from(`${ownResponseText(problem.status, headers, true)}${body}`, 'latin1'));
          stream.end();
        },
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

  drain(): void {
    for (const server of this.#open) server.retire();
  }

  /** Closes every connection. */
  close(): void {
    for (const server of this.#open) server.stream.reset();
  }
}
