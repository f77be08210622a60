import { ClientConnection } from './client-connection.ts';
import type { ByteStream } from '../stream/byte-stream.ts';

/** Opens a stream to where a pool leads. It may still be connecting: what is written waits. */
export type OpenStream = () => ByteStream;

/** A request is on its way for a while, too. */
const MARGIN_MS = 1000;
/** A peer that says nothing of when it closes idle connections may do so soon: many wait for five seconds. undici, too, takes four. */
const UNSAID_MS = 4000;

/** Connections to one place: those that are idle are used again, the last used first, so that the others can go. */
export class ConnectionPool {
  readonly #open: OpenStream;
  readonly #mostIdle: number;
  readonly #now: () => number;
  readonly #idle: ClientConnection[] = [];
  readonly #all = new Set<ClientConnection>();

  /** `now`: milliseconds; without it, connections are used for as long as they are open. */
  constructor(open: OpenStream, mostIdle: number, now: () => number = () => 0) {
    this.#now = now;
    this.#open = open;
    this.#mostIdle = mostIdle;
  }

  get size(): number {
    return this.#all.size;
  }

  /** A connection for one request: an idle one unless `fresh` is asked for. */
  take(fresh = false): ClientConnection {
    for (let idle = fresh ? undefined : this.#idle.pop(); idle !== undefined; idle = this.#idle.pop())
      if (this.#isKept(idle)) return idle;
    const connection = new ClientConnection({
      stream: this.#open(),
      idle: (ready) => {
        if (!this.#all.has(ready) || this.#idle.length >= this.#mostIdle) ready.discard();
        else this.#rest(ready);
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

  #rest(ready: ClientConnection): void {
    const { keptMs } = ready;
    ready.idleUntil = this.#now() + (keptMs === undefined ? UNSAID_MS : keptMs - MARGIN_MS);
    this.#idle.push(ready);
  }

  /** A request that meets its peer's goodbye may have been handled, or not: it is better not to send it there. */
  #isKept(idle: ClientConnection): boolean {
    if (idle.idleUntil <= this.#now()) idle.discard();
    return idle.isUsable;
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
