import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Server } from 'node:net';

import { isProtocolFailure } from '@rampart/mesh';
import type { InboundConnection } from '@rampart/mesh';

import type { Ports } from '../ports.ts';
import { connectionOf } from '../symbols.ts';
import type { Http2Requests } from './http2-requests.ts';

export interface Http2ServersOptions {
  readonly ports: Pick<Ports, 'passedThrough'>;
  readonly requests: Http2Requests;
}

type Emit = (...args: unknown[]) => boolean;

/** The HTTP/2 sessions that servers of this process have begun: their streams are judged before anybody hears of them. */
export class Http2Servers {
  readonly #options: Http2ServersOptions;
  readonly #sessions = new Set<ServerHttp2Session>();

  constructor(options: Http2ServersOptions) {
    this.#options = options;
  }

  began(server: Server, candidate: unknown): void {
    const session = candidate as ServerHttp2Session;
    // What Node gives out for the socket forbids some of its methods, and is the same otherwise.
    const { socket } = session;
    const connection = connectionOf(socket) ?? this.#options.ports.passedThrough(server, socket);
    if (connection === undefined) {
      // What came over no network has no caller to judge; what did and never passed the gate has no business here.
      if (server.listening && socket.remoteAddress !== undefined) session.destroy();
      return;
    }
    this.#sessions.add(session);
    session.once('close', () => this.#sessions.delete(session));
    this.#hook(session, connection);
  }

  /** Asks every caller to come back elsewhere; streams under way go on. */
  leave(): void {
    for (const session of this.#sessions) session.close();
  }

  /** Servers hear of streams from their sessions, so that nothing an application listens to comes before this. */
  #hook(session: ServerHttp2Session, connection: InboundConnection): void {
    const emit = session.emit.bind(session) as Emit;
    const hooked = (...args: unknown[]): boolean => {
      const [event, stream, headers, , rawHeaders] = args;
      if (event === 'error' && isProtocolFailure(stream)) this.#options.requests.unreadable(connection, stream.message);
      if (event !== 'stream') return emit(...args);
      this.#options.requests.enter({
        connection,
        session,
        stream: stream as ServerHttp2Stream,
        headers: headers as IncomingHttpHeaders,
        rawHeaders: rawHeaders as string[],
        application: () => emit(...args),
      });
      return true;
    };
    Object.assign(session, { emit: hooked });
  }
}
