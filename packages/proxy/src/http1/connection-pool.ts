import { ClientConnection } from './client-connection.ts';
import type { ByteStream } from '../stream/byte-stream.ts';

/** Opens a stream to where a pool leads. It may still be connecting: what is written waits. */
export type OpenStream = () => ByteStream;

/** Connections to one place: those that are idle are used again, the last used first, so that the others can go. */
export class ConnectionPool {
  readonly #open: OpenStream;
  readonly #mostIdle: number;
  readonly #idle: ClientConnection[] = [];
  readonly #all = new Set<ClientConnection>();

  constructor(open: OpenStream, mostIdle: number) {
    this.#open = open;
    this.#mostIdle = mostIdle;
  }

  get size(): number {
    return this.#all.size;
  }

  /** A connection for one request: an idle one unless `fresh` is asked for. */
  take(fresh = false): ClientConnection {
    for (let idle = fresh ? undefined : this.#idle.pop(); idle !== undefined; idle = this.#idle.pop())
      if (idle.isUsable) return idle;
    const connection = new ClientConnection({
      stream: this.#open(),
      idle: (ready) => {
        if (!this.#all.has(ready) || this.#idle.length >= this.#mostIdle) ready.discard();
        else this.#idle.push(ready);
      },
      gone: (lost) => {
        this.#all.delete(lost);
        const at = this.#idle.indexOf(lost);
        if (at !== -1) this.#idle.splice(at, 1);
      },
    });
    this.#all.add(connection);
    return connection;
  }

  /** Closes every connection; answers under way are lost. */
  close(): void {
    for (const connection of [...this.#all]) connection.discard();
  }

  /** Lets idle connections go; those in use go once their answers are complete. */
  retire(): void {
    this.#all.clear();
    for (const connection of this.#idle.splice(0)) connection.discard();
  }
}
