import { lateAnswer, lateBody, unreadableBody } from '../http/given-up.ts';
import type { ByteReceiver, ByteStream } from '../stream/byte-stream.ts';
import { dropNominated } from './head-text.ts';
import type { MessageHead } from './head.ts';
import { MessageReader } from './message-reader.ts';
import type { ReaderLimits } from './message-reader.ts';
import { REQUEST } from './parsing/llhttp.ts';
import { ServerExchange } from './server-exchange.ts';
import type { ExchangeHome } from './server-exchange.ts';

/** Why a connection is given up before a request was read. */
export type ReadingProblem =
  | { readonly kind: 'malformed'; readonly status: 400; readonly reason: string }
  | { readonly kind: 'too-large'; readonly status: 431; readonly reason: string }
  | { readonly kind: 'late'; readonly status: 408; readonly reason: string };

export interface ServerHandler {
  /** A request's head is there; its body, where it has one, waits for `exchange.takeBody`. */
  request(exchange: ServerExchange): void;
  /** A request could not be read: it is answered and the connection closed. */
  unreadable(problem: ReadingProblem): void;
  /** It is not one of HTTP any more; `closed` is told in the end all the same. */
  switched(): void;
  /** The connection is over; requests under way were told before. */
  closed(): void;
}

export interface ServerConnectionOptions {
  readonly stream: ByteStream;
  readonly handler: ServerHandler;
  readonly limits?: ReaderLimits | undefined;
}

const NOTHING: Buffer = Buffer.alloc(0);
const HALF = 'the caller sent half a request';

/** The server's side of one connection of HTTP/1.1: requests are read one at a time, and answered in order. */
export class ServerConnection implements ByteReceiver, ExchangeHome {
  readonly stream: ByteStream;
  readonly takesLent = true;
  readonly #handler: ServerHandler;
  readonly #reader: MessageReader;
  #exchange: ServerExchange | undefined;
  /** What came while a request waits for its answer: the next ones of a caller that does not wait. */
  #held: Buffer = NOTHING;
  #isOver = false;
  #hasEnded = false;
  #isReading = false;
  /** The last answer is sent: what the caller still sends is nobody's. */
  #isLeaving = false;
  #served = 0;

  constructor({ stream, handler, limits }: ServerConnectionOptions) {
    this.stream = stream;
    this.#handler = handler;
    this.#reader = new MessageReader(REQUEST, limits);
  }

  /** Begins to read; `head` is what was read of the stream before. */
  start(head: Buffer = NOTHING): void {
    this.stream.receive(this);
    if (head.length > 0) this.data(head);
  }

  /** Requests whose heads have come. */
  get served(): number {
    return this.#served;
  }

  /** What is waited for: "head" of a request that has begun, "goodbye" of a caller that was told to leave. */
  get awaits(): 'request' | 'head' | 'body' | 'answer' | 'goodbye' {
    if (this.#isLeaving) return 'goodbye';
    if (this.#exchange !== undefined) return this.#exchange.awaitsBody ? 'body' : 'answer';
    return this.#reader.isIdle && this.#held.length === 0 ? 'request' : 'head';
  }

  data(chunk: Buffer, isLent = false): void {
    if (this.#isOver || this.#isLeaving) return;
    if (this.#exchange?.isRead === true || this.#isReading) {
      this.#held = this.#held.length === 0 && !isLent ? chunk : Buffer.concat([this.#held, chunk]);
      this.stream.pause();
      return;
    }
    this.#read(chunk, isLent);
  }

  end(): void {
    this.#hasEnded = true;
    this.#wrapUp();
  }

  drain(): void {
    this.#exchange?.roomAgain();
  }

  close(error: Error | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#exchange?.abandoned(error ?? new Error('the caller closed the connection'));
    this.#reader.free();
    this.#handler.closed();
  }

  over(): void {
    if (this.#isReading) return;
    const rest = this.#next();
    if (rest !== undefined) this.#read(rest);
  }

  takeOver(): Buffer {
    this.#isOver = true;
    this.#reader.free();
    this.#handler.switched();
    return this.#held;
  }

  switchedOver(): void {
    this.#handler.closed();
  }

  /** Gives up a caller that has taken too long. */
  expire(): void {
    const { awaits } = this;
    if (awaits === 'body' || awaits === 'answer') this.#exchange?.expire(awaits === 'body' ? lateBody() : lateAnswer());
    else if (awaits === 'head') this.#refuse({ kind: 'late', status: 408, reason: 'the request did not come in time' });
    else if (awaits === 'request') this.retire();
    else this.stream.reset();
  }

  /** Asks the caller to come back on another connection: at once where it is idle, with its answer otherwise. */
  retire(): void {
    this.#exchange?.makeLast();
    if (this.awaits !== 'request' || this.#isOver) return;
    this.#isLeaving = true;
    this.stream.end();
  }

  /** Goes from request to request for as long as they are answered at once: a caller may send thousands in one go. */
  #read(chunk: Buffer, isLent = false): void {
    let rest: Buffer | undefined = chunk;
    for (let lent = isLent; rest !== undefined && rest.length > 0; lent = false) rest = this.#readOne(rest, lent);
    if (this.#hasEnded && !this.#isOver && !this.#isLeaving) this.#wrapUp();
  }

  /** After the caller's last byte: what it has begun and not sent whole will never come. */
  #wrapUp(): void {
    const exchange = this.#exchange;
    if (exchange !== undefined) {
      if (exchange.isRead) return;
      exchange.abandoned(new Error(HALF));
      this.stream.reset();
    } else if (this.awaits === 'head' && !this.#isOver) this.#refuse({ kind: 'malformed', status: 400, reason: HALF });
    else this.stream.end();
  }

  /** Returns what is to be read next. */
  #readOne(chunk: Buffer, isLent: boolean): Buffer | undefined {
    const reader = this.#reader;
    this.#isReading = true;
    const state = reader.read(chunk, isLent);
    this.#held = reader.rest;
    if (state === 'malformed' || state === 'too-large') {
      this.#unreadable(state);
      return undefined;
    }
    if (this.#exchange !== undefined) this.#exchange.arrived(reader);
    else if (reader.head !== undefined) this.#begin(reader.head);
    this.#isReading = false;
    return this.#exchange?.isOver === true ? this.#next() : undefined;
  }

  #begin(head: MessageHead): void {
    const problem = contradiction(head);
    if (problem !== undefined) return this.#refuse({ kind: 'malformed', status: 400, reason: problem });
    dropNominated(head);
    const exchange = new ServerExchange(this, {
      head,
      shouldKeepAlive: this.#reader.shouldKeepAlive,
      isUpgrade: this.#reader.isUpgrade && mayUpgrade(head),
    });
    this.#exchange = exchange;
    this.#served += 1;
    // A request that is whole is known to be before anybody decides how to send it on.
    exchange.arrived(this.#reader);
    this.#handler.request(exchange);
  }

  #unreadable(kind: 'malformed' | 'too-large'): void {
    const reason = this.#reader.problem;
    if (this.#exchange === undefined) {
      this.#refuse(kind === 'malformed' ? { kind, status: 400, reason } : { kind, status: 431, reason });
      return;
    }
    const status = kind === 'too-large' ? 431 : this.#reader.isBloated ? 413 : 400;
    // What this chunk brought is read: the answer ends the connection.
    this.#isReading = false;
    this.#exchange.expire(unreadableBody(status, reason));
  }

  #refuse(problem: ReadingProblem): void {
    this.#isOver = true;
    this.#handler.unreadable(problem);
    this.#reader.free();
    this.#handler.closed();
  }

  /** The answer is sent: on to the next request, or to the end. Returns what was read of it already. */
  #next(): Buffer | undefined {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    if (exchange === undefined || this.#isOver) return undefined;
    if (exchange.isLast || !exchange.isRead || (this.#hasEnded && this.#held.length === 0)) {
      this.#isLeaving = true;
      this.stream.end();
      this.stream.resume();
      return undefined;
    }
    this.#reader.next();
    const held = this.#held;
    this.#held = NOTHING;
    this.stream.resume();
    return held;
  }
}

/**
 * Servers may take no notice of Upgrade (RFC 9110 §7.8). HTTP/2 is not begun this way any more (RFC 9113 §3.1), and content that
 * comes with the request is judged before anything else of the connection is.
 */
function mayUpgrade(head: MessageHead): boolean {
  const hasContent = head.has('transfer-encoding') || (head.text('content-length') ?? '0') !== '0';
  return !hasContent && head.text('upgrade')?.toLowerCase() !== 'h2c';
}

/** What llhttp lets pass and no two servers read alike. */
function contradiction(head: MessageHead): string | undefined {
  const coding = head.text('transfer-encoding');
  if (coding !== undefined) {
    if (head.httpVersion === '1.0') return 'Transfer-Encoding does not exist in HTTP/1.0';
    // What else was done to the body could not be undone here, and would not be told on the way out (RFC 9112 §6.1).
    if (coding.toLowerCase() !== 'chunked') return 'its Transfer-Encoding is another one than "chunked"';
  }
  if (!head.has('host')) return head.httpVersion === '1.1' ? 'the request has no Host' : undefined;
  return head.hasSeveral('host') ? 'the request has more than one Host' : undefined;
}
