import type { InboundConnection } from '@rampart/mesh';

import type { Upstream } from '../http/upstream.ts';
import { ConnectionPool } from '../http1/connection-pool.ts';
import type { ByteStream } from '../stream/byte-stream.ts';

/** Idle connections that are kept to the application: for all callers together, or for one. */
const MOST_IDLE = 1024;
const MOST_IDLE_OF_ONE = 16;

export interface ApplicationPoolsOptions {
  /** Opens a stream to the application; it may still be connecting. */
  open(): ByteStream;
  /** What each connection begins with, where the application wants to know whose it is: then no two callers share one. */
  readonly announcement?: ((caller: InboundConnection) => Uint8Array) | undefined;
}

/** HTTP connections to the application behind this sidecar. */
export class ApplicationPools {
  readonly #options: ApplicationPoolsOptions;
  readonly #shared: ConnectionPool;
  readonly #own = new Map<InboundConnection, ConnectionPool>();

  constructor(options: ApplicationPoolsOptions) {
    this.#options = options;
    this.#shared = new ConnectionPool(() => options.open(), MOST_IDLE);
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

  #begin(caller: InboundConnection, announcement: Uint8Array): ConnectionPool {
    const pool = new ConnectionPool(() => {
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
}
