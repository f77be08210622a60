import { connect } from 'node:http2';
import type { ClientHttp2Session, Settings } from 'node:http2';

import type { Upstream } from '../http/upstream.ts';
import type { ByteStream } from '../stream/byte-stream.ts';
import { Http2Call } from './client-call.ts';
import type { CallCarrier } from './client-call.ts';
import { connectionOf } from './connection.ts';
import { CLIENT_SESSION, HTTP2_LIMITS } from './limits.ts';

/** Connections to one place at a time; beyond what they take together, requests wait for one another. */
const MOST_SESSIONS = 16;
/** Requests on one connection, whatever the other side takes. */
const MOST_REQUESTS = 1024;
const NOTHING = Buffer.alloc(0);
/** Of its name nothing is sent: each request has an authority of its own. */
const AUTHORITY = 'http://service';

/** Connections of HTTP/2 to one place: as few as take all requests. */
export class Http2ClientSessions implements Upstream {
  readonly #open: () => ByteStream;
  readonly #sessions = new Set<ClientSession>();
  readonly #retiring = new Set<ClientSession>();
  /** What the last connection has told: the next one will tell the same. */
  #most: number = CLIENT_SESSION.peerMaxConcurrentStreams;

  /** `open` may give a stream that is still connecting: what is written waits. */
  constructor(open: () => ByteStream) {
    this.#open = open;
  }

  take(fresh = false): Http2Call {
    return new Http2Call(fresh ? this.#start() : this.#any());
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

  #any(): ClientSession {
    return this.#free() ?? this.#start();
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
    const session: ClientSession = new ClientSession(this.#open(), this.#most, {
      next: () => this.#any(),
      told: (most) => {
        this.#most = most;
      },
      left: () => {
        this.#sessions.delete(session);
        this.#retiring.add(session);
      },
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
  /** Another one is wanted. */
  next(): ClientSession;
  /** So many requests the other side takes at a time. */
  told(most: number): void;
  /** The other side takes no more requests on it. */
  left(): void;
  /** No request is under way any more. */
  idle(): void;
  closed(): void;
}

class ClientSession implements CallCarrier {
  readonly #session: ClientHttp2Session;
  readonly #events: SessionEvents;
  /** Requests that the other side takes at a time, as far as is known. */
  #most: number;
  #begun = 0;
  #underWay = 0;
  #failure: Error | undefined;

  constructor(stream: ByteStream, most: number, events: SessionEvents) {
    this.#events = events;
    this.#most = most;
    this.#session = connect(AUTHORITY, { ...CLIENT_SESSION, createConnection: () => connectionOf(stream, NOTHING) });
    const session = this.#session;
    // Node says "connect" of sessions that never were, too.
    session.once('connect', () => session.destroyed || session.setLocalWindowSize(HTTP2_LIMITS.sessionWindow));
    session.on('remoteSettings', (settings: Settings) => {
      this.#most = Math.min(settings.maxConcurrentStreams ?? MOST_REQUESTS, MOST_REQUESTS);
      events.told(this.#most);
    });
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
    return this.#most - this.#underWay;
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

  next(): CallCarrier {
    return this.#events.next();
  }

  /** No more requests; those under way are answered. */
  leave(): void {
    this.#session.close();
  }

  close(): void {
    this.#session.destroy();
  }
}
