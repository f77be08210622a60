import { connect } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';

import type { Upstream } from '../http/upstream.ts';
import type { ByteStream } from '../stream/byte-stream.ts';
import { Http2Call } from './client-call.ts';
import type { CallCarrier } from './client-call.ts';
import { connectionOf } from './connection.ts';
import { CLIENT_SESSION, HTTP2_LIMITS } from './limits.ts';

/** Connections to one place at a time; beyond what they take together, requests wait for one another. */
const MOST_SESSIONS = 16;
const NOTHING = Buffer.alloc(0);
/** Of its name nothing is sent: each request has an authority of its own. */
const AUTHORITY = 'http://service';

/** Connections of HTTP/2 to one place: as few as take all requests. */
export class Http2ClientSessions implements Upstream {
  readonly #open: () => ByteStream;
  readonly #sessions = new Set<ClientSession>();
  readonly #retiring = new Set<ClientSession>();

  /** `open` may give a stream that is still connecting: what is written waits. */
  constructor(open: () => ByteStream) {
    this.#open = open;
  }

  take(fresh = false): Http2Call {
    const known = fresh ? undefined : this.#free();
    return new Http2Call(known ?? this.#start());
  }

  /** Lets connections go once their requests are answered; new requests take new ones. */
  retire(): void {
    for (const session of this.#sessions) {
      this.#retiring.add(session);
      session.leave();
    }
    this.#sessions.clear();
  }

  /** Closes every connection; answers under way are lost. */
  close(): void {
    for (const session of [...this.#sessions, ...this.#retiring]) session.close();
  }

  #free(): ClientSession | undefined {
    let least: ClientSession | undefined;
    for (const session of this.#sessions) {
      if (session.room > 0) return session;
      if (least === undefined || session.room > least.room) least = session;
    }
    return this.#sessions.size < MOST_SESSIONS ? undefined : least;
  }

  #start(): ClientSession {
    const session: ClientSession = new ClientSession(this.#open(), {
      left: () => this.#sessions.delete(session),
      idle: () => {
        if (this.#sessions.size < 2 || !this.#sessions.delete(session)) return;
        this.#retiring.add(session);
        session.leave();
      },
      closed: () => {
        this.#sessions.delete(session);
        this.#retiring.delete(session);
      },
    });
    this.#sessions.add(session);
    return session;
  }
}

interface SessionEvents {
  /** The other side takes no more requests on it. */
  left(): void;
  /** No request is under way any more. */
  idle(): void;
  closed(): void;
}

class ClientSession implements CallCarrier {
  readonly #session: ClientHttp2Session;
  readonly #events: SessionEvents;
  #begun = 0;
  #underWay = 0;
  #failure: Error | undefined;

  constructor(stream: ByteStream, events: SessionEvents) {
    this.#events = events;
    this.#session = connect(AUTHORITY, { ...CLIENT_SESSION, createConnection: () => connectionOf(stream, NOTHING) });
    const session = this.#session;
    // Node says "connect" of sessions that never were, too.
    session.once('connect', () => session.destroyed || session.setLocalWindowSize(HTTP2_LIMITS.sessionWindow));
    session.on('goaway', () => events.left());
    session.on('error', (error: Error) => {
      this.#failure = error;
    });
    session.on('close', () => events.closed());
  }

  get wasUsed(): boolean {
    return this.#begun > 0;
  }

  get failure(): Error | undefined {
    if (!this.#session.destroyed) return undefined;
    return this.#failure ?? new Error('the connection was closed before the answer was complete');
  }

  /** How many more requests the other side takes at once; less than 0 where some wait. */
  get room(): number {
    const { remoteSettings } = this.#session;
    // Node has none before those of the other side have come, whatever its types say.
    const most = (remoteSettings as Partial<typeof remoteSettings> | undefined)?.maxConcurrentStreams;
    return (most ?? CLIENT_SESSION.peerMaxConcurrentStreams ?? 0) - this.#underWay;
  }

  request(...[block, options]: Parameters<CallCarrier['request']>): ReturnType<CallCarrier['request']> {
    const stream = this.#session.request(block, options);
    this.#begun += 1;
    this.#underWay += 1;
    stream.once('close', () => {
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#events.idle();
    });
    return stream;
  }

  /** No more requests; those under way are answered. */
  leave(): void {
    this.#session.close();
  }

  close(): void {
    this.#session.destroy();
  }
}
