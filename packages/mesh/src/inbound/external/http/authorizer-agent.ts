import http from 'node:http';
import type { ClientRequest } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import { MAX_CONNECTIONS } from '../transport.ts';

/** How long a connection waits for its next check; shorter than what servers commonly wait. */
const IDLE_MS = 4000;

/** Connections to the service of one provider, kept and used again. */
export class AuthorizerAgent extends http.Agent {
  readonly #connect: () => Duplex;
  #isRetired = false;

  constructor(connect: () => Duplex) {
    super({ keepAlive: true, maxSockets: MAX_CONNECTIONS, maxFreeSockets: MAX_CONNECTIONS, timeout: IDLE_MS });
    this.#connect = connect;
  }

  override createConnection(): Duplex {
    try {
      return this.#connect();
    } catch (error) {
      // Told by the socket: a queued check gets its connection where nobody could catch what is thrown.
      return new Socket().destroy(error instanceof Error ? error : new Error('no connection'));
    }
  }

  /** Where the server ended one idle connection, it has ended the others, or will. */
  dropIdle(): void {
    for (const socket of Object.values(this.freeSockets).flat()) socket?.destroy();
  }

  /** Checks under way end; nothing is kept after them. */
  retire(): void {
    this.#isRetired = true;
    this.dropIdle();
  }

  override getName(): string {
    return '';
  }

  override keepSocketAlive(socket: Duplex): boolean {
    if (this.#isRetired) return false;
    // What arrives while nobody asks would be taken for the answer to the next check.
    socket.on('data', drop);
    return Boolean(super.keepSocketAlive(socket));
  }

  override reuseSocket(socket: Duplex, request: ClientRequest): void {
    socket.off('data', drop);
    super.reuseSocket(socket, request);
  }
}

function drop(this: Duplex): void {
  this.destroy();
}
