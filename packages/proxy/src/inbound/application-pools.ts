import type { InboundConnection } from '@rampart/mesh';

import type { Upstream } from '../http/upstream.ts';
import { ConnectionPool } from '../http1/connection-pool.ts';
import { Http2ClientSessions } from '../http2/client-sessions.ts';
import type { ByteStream } from '../stream/byte-stream.ts';

/** Idle connections that are kept to the application: for all callers together, or for one. */
const MOST_IDLE = 1024;
const MOST_IDLE_OF_ONE = 16;

type Pool = ConnectionPool | Http2ClientSessions;

export interface ApplicationPoolsOptions {
  /** Opens a stream to the application; it may still be connecting. */
  open(): ByteStream;
  /** The application speaks HTTP/2, and no HTTP/1.1. */
  readonly isHttp2: boolean;
  /** Milliseconds. */
  now(): number;
  /** What each connection begins with, where the application wants to know whose it is: then no two callers share one. */
  readonly announcement?: ((caller: InboundConnection) => Uint8Array) | undefined;
}

/** HTTP connections to the application behind this sidecar. */
export class ApplicationPools {
  readonly #options: ApplicationPoolsOptions;
  readonly #shared: Pool;
  readonly #own = new Map<InboundConnection, Pool>();

  constructor(options: ApplicationPoolsOptions) {
    this.#options = options;
    this.#shared = this.#pool(() => options.open(), MOST_IDLE);
  }

  /** Those that requests of this caller may take. */
  of(caller: InboundConnection): Upstream {
    const { announcement } = this.#options;
    if (announcement === undefined) return this.#shared;
    return this.#own.get(caller) ?? this.#begin(caller, announcement(caller));
  }

  /** Closes every connection; answers under way are lost. */
  close(): void {
    this.#shared.close();
    for (const pool of this.#own.values()) pool.close();
  }

  #begin(caller: InboundConnection, announcement: Uint8Array): Pool {
    const pool = this.#pool(() => {
      const stream = this.#options.open();
      stream.write(announcement);
      return stream;
    }, MOST_IDLE_OF_ONE);
    this.#own.set(caller, pool);
    caller.socket.once('close', () => {
      this.#own.delete(caller);
      pool.retire();
    });
    return pool;
  }

  #pool(open: () => ByteStream, mostIdle: number): Pool {
    return this.#options.isHttp2
      ? new Http2ClientSessions(open)
      : new ConnectionPool(open, mostIdle, () => this.#options.now());
  }
}
