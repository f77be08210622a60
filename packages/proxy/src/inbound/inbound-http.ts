import { steadyClock } from '@rampart/core';
import type { Clock } from '@rampart/core';
import { InboundExchange, refusal, ResponseFlag } from '@rampart/mesh';
import type { ExchangeSource, InboundConnection, InboundRecorder, Preliminaries, RequestLimits } from '@rampart/mesh';

import type { Exchange } from '../http/exchange.ts';
import type { Upstream } from '../http/upstream.ts';
import { RELAYED_LIMITS } from '../http1/message-reader.ts';
import type { PatienceLimits } from '../http1/patience.ts';
import { ServerConnections } from '../http1/server-connections.ts';
import { MessageHead } from '../http1/head.ts';
import type { StartLine } from '../http1/head.ts';
import { Http2ServerSessions } from '../http2/server-sessions.ts';
import type { Http2Problem } from '../http2/server-session.ts';
import type { HttpVersion } from '../http/version.ts';
import type { ByteStream } from '../stream/byte-stream.ts';
import type { Join } from '../tcp/join.ts';
import type { Load } from './load.ts';
import { InboundCall } from './inbound-call.ts';

export interface InboundHttpOptions extends ExchangeSource {
  readonly recorder: InboundRecorder;
  readonly preliminaries: Preliminaries;
  readonly limits: RequestLimits;
  readonly clock: Clock;
  /** Connections to the application that requests of a caller may take. */
  application(caller: InboundConnection): Upstream;
  /** Carries bytes both ways after an upgrade. */
  readonly join: Join;
  /** True once this sidecar is going away: answers ask their callers to connect elsewhere. */
  isDraining(): boolean;
  readonly patience?: PatienceLimits;
  readonly load: Load;
}

/** What is known of a request that could not be read. */
const UNREADABLE: StartLine = { method: '', url: '', status: 0, reasonPhrase: '', httpVersion: '1.1' };
const UNREADABLE2: StartLine = { ...UNREADABLE, httpVersion: '2' };

/** A connection that requests come on. */
export interface HttpArrival {
  readonly connection: InboundConnection;
  /** The connection itself, or a stream on it. */
  readonly stream: ByteStream;
  readonly version: HttpVersion;
  /** What was read of it before. */
  readonly head?: Buffer | undefined;
}

/** Serves HTTP on connections that were identified and admitted. */
export class InboundHttp {
  readonly #options: InboundHttpOptions;
  readonly #connections: ServerConnections;
  readonly #sessions: Http2ServerSessions;

  constructor(options: InboundHttpOptions) {
    this.#options = options;
    const clock = steadyClock(options.clock, () => options.stopwatch.elapsed());
    this.#connections = new ServerConnections({
      clock,
      patience: options.patience,
      limits: RELAYED_LIMITS,
    });
    this.#sessions = new Http2ServerSessions({ clock, limits: RELAYED_LIMITS });
  }

  get open(): number {
    return this.#connections.size + this.#sessions.size;
  }

  accept({ connection, stream, version, head }: HttpArrival): void {
    const line = version === 'h2' ? UNREADABLE2 : UNREADABLE;
    (version === 'h2' ? this.#sessions : this.#connections).serve(
      { stream, head },
      {
        request: (exchange: Exchange) => InboundCall.begin(this.#options, connection, exchange),
        unreadable: (problem: Http2Problem) => this.#record(connection, line, problem),
      },
    );
  }

  #record(connection: InboundConnection, line: StartLine, { status, reason }: Http2Problem): void {
    const exchange = new InboundExchange(connection, new MessageHead(line, []), this.#options);
    exchange.verdict = refusal(reason);
    this.#options.recorder.write(exchange, { code: status, flag: ResponseFlag.protocolError, bytesSent: 0 });
  }

  /** Asks every caller to come back elsewhere, once its answer is complete. */
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
