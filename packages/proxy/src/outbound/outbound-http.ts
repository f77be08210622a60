import type { Clock } from '@rampart/core';
import type { OutboundRecorder, RequestRoute, Target } from '@rampart/mesh';

import type { Upstream } from '../http/upstream.ts';
import type { PatienceLimits } from '../http1/patience.ts';
import { ServerConnections } from '../http1/server-connections.ts';
import type { ByteStream } from '../stream/byte-stream.ts';
import type { Join } from '../tcp/join.ts';
import type { Destination } from './destination.ts';
import { OutboundCall } from './outbound-call.ts';

export interface OutboundHttpOptions {
  readonly recorder: OutboundRecorder;
  route(destination: Destination): RequestRoute;
  /** Connections to an instance. */
  pool(target: Target): Upstream;
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
  readonly #connections: ServerConnections;

  constructor(options: OutboundHttpOptions) {
    this.#options = options;
    this.#connections = new ServerConnections(options.clock, options.patience);
  }

  /** `captured` is where the connection was meant to go; absent on the proxy port, where each request says so itself. */
  accept(stream: ByteStream, head?: Buffer, captured?: Destination): void {
    this.#connections.serve(
      { stream, head },
      { request: (exchange) => OutboundCall.begin(this.#options, exchange, captured) },
    );
  }

  get open(): number {
    return this.#connections.size;
  }

  /** Asks every caller to come back on another connection, once its answer is complete. */
  drain(): void {
    this.#connections.drain();
  }

  /** Closes every connection. */
  close(): void {
    this.#connections.close();
  }
}
