import { constants, performServerHandshake } from 'node:http2';
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';

import type { Clock } from '@rampart/core';
import { isProtocolFailure } from '@rampart/mesh';

import type { ReaderLimits } from '../http1/message-reader.ts';
import { FloodGuard } from '../link/flow/flood-guard.ts';
import type { ByteStream } from '../stream/byte-stream.ts';
import { connectionOf } from './connection.ts';
import { readRequest } from './fields.ts';
import { HTTP2_LIMITS, SERVER_SESSION } from './limits.ts';
import { Overhead } from './overhead.ts';
import { Http2Exchange } from './server-exchange.ts';

/** Why a request was not read, or a connection was given up. */
export interface Http2Problem {
  /** 0 where nobody was told by an answer. */
  readonly status: number;
  readonly reason: string;
}

/** What becomes of the requests of one connection. */
export interface Http2Service {
  request(exchange: Http2Exchange): void;
  /** What came was refused before it was a request. */
  unreadable?(problem: Http2Problem): void;
}

export interface ServerSessionOptions {
  readonly stream: ByteStream;
  /** What was read of it before. */
  readonly head: Buffer;
  readonly clock: Clock;
  readonly service: Http2Service;
  /** Of the heads of requests. */
  readonly limits?: ReaderLimits | undefined;
  /** The connection is over; requests under way were told before. */
  closed(): void;
}

const TOO_MUCH_OVERHEAD = 'more WINDOW_UPDATE, PRIORITY or other frames without content than allowed';
const LAST_STREAM: number = 2 ** 31 - 1;
const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_NO_ERROR } = constants;

/** The server's side of one connection of HTTP/2: requests are handed on as they come, each by itself. */
export class Http2ServerSession {
  readonly #options: ServerSessionOptions;
  readonly #session: ServerHttp2Session;
  readonly #overhead: Overhead;
  /** Requests under way. */
  readonly #exchanges = new Map<ServerHttp2Stream, Http2Exchange>();
  /** Requests that are over, and those of them that were taken back before they were answered. */
  #over = 0;
  #takenBack = 0;
  #isLeaving = false;
  #isGivenUp = false;

  constructor(options: ServerSessionOptions) {
    const { stream, head, clock } = options;
    this.#options = options;
    const connection = connectionOf(stream, head);
    this.#overhead = new Overhead(connection);
    this.#session = performServerHandshake(connection, SERVER_SESSION);
    const session = this.#session;
    session.setLocalWindowSize(HTTP2_LIMITS.sessionWindow);
    session.on('stream', (...[one, headers, , raw]) => this.#begin(one, headers, raw));
    session.on('error', (error: Error) => this.#failed(error));
    session.on('close', () => options.closed());
    const [pings, settings] = [new FloodGuard(clock, HTTP2_LIMITS.pings), new FloodGuard(clock, HTTP2_LIMITS.settings)];
    // Nobody would say so any more.
    if (connection.destroyed) session.destroy();
    session.on('ping', () => pings.admits() || this.#giveUp('more PING frames than allowed'));
    session.on('remoteSettings', () => settings.admits() || this.#giveUp('more SETTINGS frames than allowed'));
  }

  /** Requests under way. */
  get size(): number {
    return this.#exchanges.size;
  }

  /** Requests whose callers do not read what there is for them. */
  *stalled(): Generator<Http2Exchange> {
    for (const exchange of this.#exchanges.values()) if (exchange.isStalled) yield exchange;
  }

  /** Requests whose callers have announced more than they send. */
  *unfinished(): Generator<Http2Exchange> {
    for (const exchange of this.#exchanges.values()) if (exchange.awaitsBody) yield exchange;
  }

  /**
   * Asks the caller to come back on another connection: what it begins before it has heard of that is answered, too
   * (RFC 9113 §6.8).
   */
  retire(): void {
    const session = this.#session;
    if (this.#isLeaving || session.destroyed || session.closed) return;
    this.#isLeaving = true;
    session.goaway(NGHTTP2_NO_ERROR, LAST_STREAM);
    const leave = (): void => session.close();
    if (!session.ping(leave)) leave();
  }

  /** Asks whether the caller is still there. It is told within `milliseconds`, or given up. */
  ping(milliseconds: number): void {
    const session = this.#session;
    if (session.destroyed) return;
    const timer = this.#options.clock.after(milliseconds, () =>
      session.destroy(new Error('the caller does not answer')),
    );
    session.ping(() => timer.cancel());
  }

  /** Gives up a caller that sends more frames without content than it has reason to. */
  audit(): void {
    if (this.#hasTooMuchOverhead()) this.#giveUp(TOO_MUCH_OVERHEAD);
  }

  /** Ends it at once. */
  close(): void {
    this.#session.destroy(undefined, NGHTTP2_CANCEL);
  }

  #begin(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: readonly string[]): void {
    const { head, bytes, problem } = readRequest({ raw, headers }, this.#options.limits);
    this.#overhead.fields(bytes);
    const exchange = new Http2Exchange({ stream, head, retire: () => this.retire() });
    this.#exchanges.set(stream, exchange);
    stream.once('close', () => this.#ended(stream, exchange));
    if (problem === undefined) {
      this.#options.service.request(exchange);
      return;
    }
    const body = Buffer.from(`${problem.reason}\n`);
    exchange.answer(problem.status, ['content-type', 'text/plain', 'content-length', String(body.length)], body);
    this.#options.service.unreadable?.(problem);
  }

  #ended(stream: ServerHttp2Stream, exchange: Http2Exchange): void {
    const { hasBegunAnswer, isRead, bytesReceived, trailerBytes } = exchange;
    this.#exchanges.delete(stream);
    this.#overhead.body(bytesReceived, isRead);
    if (trailerBytes > 0) this.#overhead.fields(trailerBytes);
    this.#over += 1;
    if (!hasBegunAnswer) this.#takenBack += 1;
    if (this.#over >= HTTP2_LIMITS.judgedAfter && this.#takenBack * 2 > this.#over)
      this.#giveUp('most requests were taken back before they were answered');
  }

  #giveUp(reason: string): void {
    if (this.#session.destroyed) return;
    this.#isGivenUp = true;
    this.#options.service.unreadable?.({ status: 0, reason });
    // Without an error Node takes the code for none, and says that all is well.
    this.#session.destroy(new Error(reason), NGHTTP2_ENHANCE_YOUR_CALM);
  }

  #hasTooMuchOverhead(): boolean {
    return this.#overhead.isTooMuch(() => this.#exchanges.values().reduce((sum, one) => sum + one.bytesArrived, 0));
  }

  /** What Node and nghttp2 themselves give a connection up for, or the connection broke. */
  #failed(error: Error): void {
    if (this.#isGivenUp || !isProtocolFailure(error)) return;
    // nghttp2 itself counts some of them, and calls what is too much an error of protocol.
    const reason = this.#hasTooMuchOverhead() ? TOO_MUCH_OVERHEAD : error.message;
    this.#options.service.unreadable?.({ status: 0, reason });
  }
}
