import type { Clock } from '@rampart/core';
import { ResponseFlag } from '@rampart/mesh';
import type { OutboundRecorder, RequestRoute, Target } from '@rampart/mesh';

import type { Exchange } from '../http/exchange.ts';
import type { HttpVersion } from '../http/version.ts';
import type { Upstream } from '../http/upstream.ts';
import type { PatienceLimits } from '../http1/patience.ts';
import { ServerConnections } from '../http1/server-connections.ts';
import type { Http2Problem } from '../http2/server-session.ts';
import { Http2ServerSessions } from '../http2/server-sessions.ts';
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

/** A connection of an application that requests come on. */
export interface OutboundArrival {
  readonly stream: ByteStream;
  readonly version: HttpVersion;
  /** What was read of it before. */
  readonly head?: Buffer | undefined;
  /** Where the connection was meant to go; absent on the proxy port, where each request says so itself. */
  readonly captured?: Destination | undefined;
}

/** Serves the HTTP of applications of this host that want to reach somewhere else. */
export class OutboundHttp {
  readonly #options: OutboundHttpOptions;
  readonly #connections: ServerConnections;
  readonly #sessions: Http2ServerSessions;

  constructor(options: OutboundHttpOptions) {
    this.#options = options;
    this.#connections = new ServerConnections(options);
    this.#sessions = new Http2ServerSessions({ clock: options.clock });
  }

  accept({ stream, version, head, captured }: OutboundArrival): void {
    (version === 'h2' ? this.#sessions : this.#connections).serve(
      { stream, head },
      {
        request: (exchange: Exchange) => OutboundCall.begin(this.#options, exchange, captured),
        unreadable: (problem: Http2Problem) => this.unreadable(problem, version, captured),
      },
    );
  }

  /** Records what came and was no request; its sender was told, where `status` is not 0. */
  unreadable({ status, reason }: Http2Problem, version: HttpVersion = 'http/1.1', captured?: Destination): void {
    const { recorder } = this.#options;
    const authority = captured === undefined ? '' : `${captured.host}:${captured.port}`;
    const protocol = version === 'h2' ? 'HTTP/2' : undefined;
    const exchange = recorder.begin({ method: '', path: '', authority, protocol });
    exchange.code = status;
    recorder.end(exchange, { flag: ResponseFlag.protocolError, reason, policy: '' });
  }

  get open(): number {
    return this.#connections.size + this.#sessions.size;
  }

  /** Asks every caller to come back on another connection, once its answer is complete. */
  drain(): void {
    this.#connections.drain();
    this.#sessions.drain();
  }

  /** Closes every connection. */
  close(): void {
    this.#connections.close();
    this.#sessions.close();
  }
}
