import type { Clock } from '@rampart/core';
import { InboundExchange, refusal, ResponseFlag } from '@rampart/mesh';
import type { ExchangeSource, InboundConnection, InboundRecorder, Preliminaries } from '@rampart/mesh';

import type { ConnectionPool } from '../http1/connection-pool.ts';
import { Patience } from '../http1/patience.ts';
import type { PatienceLimits } from '../http1/patience.ts';
import { ServerConnection } from '../http1/server-connection.ts';
import type { ReadingProblem } from '../http1/server-connection.ts';
import { MessageHead } from '../http1/head.ts';
import type { StartLine } from '../http1/head.ts';
import { ownResponseText } from '../http1/head-text.ts';
import type { ByteStream } from '../stream/byte-stream.ts';
import type { Join } from '../tcp/join.ts';
import type { Load } from './load.ts';
import { InboundCall } from './inbound-call.ts';

export interface InboundHttpOptions extends ExchangeSource {
  readonly recorder: InboundRecorder;
  readonly preliminaries: Preliminaries;
  readonly clock: Clock;
  /** Connections to the application. */
  readonly application: ConnectionPool;
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
  readonly #open = new Set<ServerConnection>();
  readonly #patience: Patience;

  constructor(options: InboundHttpOptions) {
    this.#options = options;
    this.#patience = new Patience(options.clock, options.patience);
  }

  get open(): number {
    return this.#open.size;
  }

  accept(connection: InboundConnection, stream: ByteStream, head?: Buffer): void {
    const server: ServerConnection = new ServerConnection({
      stream,
      handler: {
        request: (exchange) => InboundCall.begin(this.#options, connection, exchange),
        unreadable: (problem) => {
          const body = `${problem.reason}\n`;
          const headers = ['content-type', 'text/plain', 'content-length', String(body.length)];
          stream.write(Buffer.from(`${ownResponseText(problem.status, headers, true)}${body}`, 'latin1'));
          stream.end();
          this.#record(connection, problem);
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

  #record(connection: InboundConnection, { status, reason }: ReadingProblem): void {
    const exchange = new InboundExchange(connection, new MessageHead(UNREADABLE, []), this.#options);
    exchange.verdict = refusal(reason);
    this.#options.recorder.write(exchange, { code: status, flag: ResponseFlag.protocolError, bytesSent: 0 });
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
