import type { Clock } from '@rampart/core';
import { InboundExchange, refusal, ResponseFlag } from '@rampart/mesh';
import type { ExchangeSource, InboundConnection, InboundRecorder, Preliminaries, RequestLimits } from '@rampart/mesh';

import type { Upstream } from '../http/upstream.ts';
import type { PatienceLimits } from '../http1/patience.ts';
import type { ReadingProblem } from '../http1/server-connection.ts';
import { ServerConnections } from '../http1/server-connections.ts';
import { MessageHead } from '../http1/head.ts';
import type { StartLine } from '../http1/head.ts';
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

/** Serves HTTP/1.1 on connections that were identified and admitted. */
export class InboundHttp {
  readonly #options: InboundHttpOptions;
  readonly #connections: ServerConnections;

  constructor(options: InboundHttpOptions) {
    this.#options = options;
    this.#connections = new ServerConnections(options.clock, options.patience);
  }

  get open(): number {
    return this.#connections.size;
  }

  accept(connection: InboundConnection, stream: ByteStream, head?: Buffer): void {
    this.#connections.serve(
      { stream, head },
      {
        request: (exchange) => InboundCall.begin(this.#options, connection, exchange),
        unreadable: (problem) => this.#record(connection, problem),
      },
    );
  }

  #record(connection: InboundConnection, { status, reason }: ReadingProblem): void {
    const exchange = new InboundExchange(connection, new MessageHead(UNREADABLE, []), this.#options);
    exchange.verdict = refusal(reason);
    this.#options.recorder.write(exchange, { code: status, flag: ResponseFlag.protocolError, bytesSent: 0 });
  }

  /** Asks every caller to come back elsewhere, once its answer is complete. */
  drain(): void {
    this.#connections.drain();
  }

  /** Closes every connection. */
  close(): void {
    this.#connections.close();
  }
}
