import http2 from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import { MAX_HEADER_BYTES } from '../transport.ts';

/** A connection on which nothing happened for so long is not worth keeping. */
const IDLE_MS = 60_000;

/** An HTTP/2 connection, and whether it was there before. */
export interface Opened {
  readonly session: ClientHttp2Session;
  readonly used: boolean;
}

/** The one HTTP/2 connection to a provider: opened when it is needed, replaced when it is no longer good. */
export class AuthorizerSession {
  readonly #connect: () => Duplex;
  #current: ClientHttp2Session | undefined;

  constructor(connect: () => Duplex) {
    this.#connect = connect;
  }

  /** Throws where no connection can be made. */
  open(): Opened {
    const current = this.#current;
    if (current !== undefined && !current.closed && !current.destroyed) return { session: current, used: true };
    const session = this.#start();
    this.#current = session;
    return { session, used: false };
  }

  /** The next check gets a new connection; those under way on the old one may end. */
  retire(session: ClientHttp2Session | undefined = this.#current): void {
    if (session !== undefined && this.#current === session) this.#current = undefined;
    if (session?.closed === false) session.close();
  }

  #start(): ClientHttp2Session {
    const socket = this.#connect();
    const session = http2.connect('http://authorizer', {
      createConnection: () => socket,
      settings: { enablePush: false, maxHeaderListSize: MAX_HEADER_BYTES },
    });
    // What goes wrong is told by each stream; without a listener it would end the process.
    session.on('error', () => {});
    session.once('goaway', () => this.retire(session));
    session.setTimeout(IDLE_MS, () => this.retire(session));
    // Nobody's process is kept alive by a connection that waits for checks.
    if (socket instanceof Socket) socket.unref();
    return session;
  }
}
