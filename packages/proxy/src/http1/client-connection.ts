import type { ByteReceiver, ByteStream } from '../stream/byte-stream.ts';
import { requestText } from './head-text.ts';
import type { Framing } from './head-text.ts';
import type { MessageHead } from './head.ts';
import { RESPONSE } from './parsing/llhttp.ts';
import { MessageReader } from './message-reader.ts';
import type { Portion } from './message-reader.ts';
import { sendHead, sendPortion } from './outbox.ts';

/** Takes the answer to one request. */
export interface ResponseSink {
  /** The answer's head, with what came of its body. Says whether there is room for more; where not, `resume` is to be called. */
  response(head: MessageHead, portion: Portion): boolean;
  /** More of the answer's body. */
  responseBody(portion: Portion): boolean;
  /** An answer that comes ahead of the real one (1xx). */
  inform(head: MessageHead): void;
  /** The other side agrees to another protocol; `rest` came behind its answer. The stream is the sink's now. */
  switched(head: MessageHead, stream: ByteStream, rest: Buffer): void;
  /** There is room again for the request's body. */
  requestRoom(): void;
  /** The answer will not be whole. */
  failed(error: Error): void;
}

export interface OutgoingRequest {
  readonly head: MessageHead;
  /** It asks to take the connection to another protocol. */
  readonly isUpgrade: boolean;
}

export interface ClientConnectionOptions {
  readonly stream: ByteStream;
  /** Ready for another request. */
  readonly idle: (connection: ClientConnection) => void;
  /** Never to be used again. */
  readonly gone: (connection: ClientConnection) => void;
}

/** The peer has left before it looked at the request: sending it again repeats nothing. */
export class UnseenError extends Error {}

/** An answer of a peer that breaks the rules of HTTP/1.1. */
export class BadAnswerError extends Error {}

const SWITCHING_PROTOCOLS = 101;
const FIRST_FINAL_STATUS = 200;

/** The client's side of one connection of HTTP/1.1: one request at a time. */
export class ClientConnection implements ByteReceiver {
  readonly stream: ByteStream;
  readonly takesLent = true;
  readonly #options: ClientConnectionOptions;
  readonly #reader: MessageReader = new MessageReader(RESPONSE);
  #sink: ResponseSink | undefined;
  #framing: Framing = 'none';
  #isSent = false;
  /** The present request asks for another protocol. */
  #isUpgrade = false;
  #hasBegun = false;
  #isUsable = true;
  /** Requests that went over it. */
  #served = 0;
  /** Milliseconds for which the peer keeps it when it is idle, as it has said; undefined where it has not. */
  keptMs: number | undefined;
  /** Its pool's word until when it may be used again, once it is idle; in the time of the pool. */
  idleUntil = 0;

  constructor(options: ClientConnectionOptions) {
    this.stream = options.stream;
    this.#options = options;
    this.stream.receive(this);
  }

  get isUsable(): boolean {
    return this.#isUsable;
  }

  /** It has carried requests before the present one: the peer may have closed it meanwhile. */
  get wasUsed(): boolean {
    return this.#served > 1;
  }

  /** Something of the present answer has come. */
  get hasAnswered(): boolean {
    return this.#hasBegun;
  }

  /** Sends a request with what is there of its body. Says whether there is room for more. */
  send({ head, isUpgrade }: OutgoingRequest, portion: Portion, sink: ResponseSink): boolean {
    this.#served += 1;
    this.#sink = sink;
    this.#isSent = portion.isLast;
    this.#isUpgrade = isUpgrade;
    this.#hasBegun = false;
    this.#framing = framingOf(head, portion);
    this.#reader.expects = head.method === 'HEAD' ? 'no-body' : head.method === 'CONNECT' ? 'tunnel' : 'body';
    const text = requestText(head, { framing: this.#framing, isLast: false, isUpgrade });
    return sendHead(this.stream, { text, framing: this.#framing }, portion);
  }

  /** Sends more of the request's body. Says whether there is room for more. */
  continue(portion: Portion): boolean {
    if (this.#isSent || this.#sink === undefined) return true;
    this.#isSent = portion.isLast;
    return sendPortion(this.stream, portion, this.#framing);
  }

  /** There is room again for the answer. */
  resume(): void {
    this.stream.resume();
  }

  /** Nobody waits for the answer any more. */
  abandon(): void {
    this.#sink = undefined;
    this.discard();
  }

  /** Closes it; an answer under way is lost. */
  discard(): void {
    if (!this.#isUsable) return;
    this.#isUsable = false;
    this.#options.gone(this);
    this.stream.reset();
  }

  data(chunk: Buffer, isLent = false): void {
    if (this.#sink === undefined) {
      // Nobody asked: what a connection says by itself is no answer to the next request.
      this.discard();
      return;
    }
    let rest = chunk;
    do rest = this.#read(rest, isLent);
    while (rest.length > 0 && this.#sink !== undefined);
    if (rest.length > 0 && this.#isUsable) this.discard();
  }

  end(): void {
    if (this.#sink !== undefined && this.#hasBegun && this.#reader.finish() === 'complete') {
      // What came to its end just now is told, too: the last portion of it, of no bytes.
      this.#sink.responseBody(this.#reader);
      this.#complete();
    }
    const isUnseen = this.stream.isOfProxy && !this.#hasBegun && this.#reader.isIdle;
    this.#fail(new (isUnseen ? UnseenError : Error)('the connection was closed before the answer was complete'));
    this.discard();
  }

  drain(): void {
    this.#sink?.requestRoom();
  }

  close(error: Error | undefined): void {
    this.#fail(error ?? new Error('the connection was closed before the answer was complete'));
    if (this.#isUsable) {
      this.#isUsable = false;
      this.#options.gone(this);
    }
    this.#reader.free();
  }

  /** Returns what came behind a complete answer. */
  #read(chunk: Buffer, isLent: boolean): Buffer {
    const reader = this.#reader;
    const state = reader.read(chunk, isLent);
    const { head, rest } = reader;
    if (state === 'malformed' || state === 'too-large') {
      this.#fail(new BadAnswerError(reader.problem));
      this.discard();
      return rest;
    }
    if (head === undefined) return rest;
    if (!this.#hasBegun && isCoded(head)) {
      this.#fail(new BadAnswerError('its Transfer-Encoding is another one than "chunked"'));
      this.discard();
      return rest;
    }
    if (head.status < FIRST_FINAL_STATUS) return this.#informed(head, rest);
    if (this.#reader.expects === 'tunnel' && state === 'complete') return this.#switched(head, rest);
    if (!this.#deliver(head)) this.stream.pause();
    if (state === 'complete') this.#complete();
    return rest;
  }

  #deliver(head: MessageHead): boolean {
    const sink = this.#sink;
    if (sink === undefined) return true;
    if (this.#hasBegun) return sink.responseBody(this.#reader);
    this.#hasBegun = true;
    this.keptMs = keptFor(head);
    return sink.response(head, this.#reader);
  }

  #informed(head: MessageHead, rest: Buffer): Buffer {
    if (head.status === SWITCHING_PROTOCOLS) {
      if (this.#isUpgrade) return this.#switched(head, rest);
      // What the caller sends next would go on as it is, past every policy.
      this.#fail(new BadAnswerError('it changes to another protocol, which nobody asked for (RFC 9110 §15.2.2)'));
      this.discard();
      return rest;
    }
    this.#sink?.inform(head);
    this.#reader.next();
    return rest;
  }

  #switched(head: MessageHead, rest: Buffer): Buffer {
    const sink = this.#sink;
    this.#sink = undefined;
    this.#isUsable = false;
    this.#options.gone(this);
    this.#reader.free();
    sink?.switched(head, this.stream, rest);
    return rest.subarray(rest.length);
  }

  #complete(): void {
    this.#sink = undefined;
    this.stream.resume();
    if (!this.#isSent || !this.#reader.shouldKeepAlive) {
      this.discard();
      return;
    }
    this.#reader.next();
    this.#options.idle(this);
  }

  #fail(error: Error): void {
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.failed(error);
  }
}

/** What else was done to the body could not be undone here, and would not be told on the way out (RFC 9112 §6.1). */
function isCoded(head: MessageHead): boolean {
  const coding = head.text('transfer-encoding');
  return coding !== undefined && coding.toLowerCase() !== 'chunked';
}

/** A body whose length nobody declared is sent in chunks. */
function framingOf(head: MessageHead, portion: Portion): Framing {
  if (head.has('content-length')) return 'length';
  if (head.has('transfer-encoding')) return 'chunked';
  return portion.isLast && portion.body.length === 0 ? 'none' : 'chunked';
}

const KEEP_ALIVE = /(?:^|[,;\s])timeout=(\d{1,9})/i;
const SECOND_MS = 1000;

function readTimeout(text: string | undefined): string | undefined {
  return text === undefined ? undefined : KEEP_ALIVE.exec(text)?.[1];
}

/** Keep-Alive has no standard; its `timeout`, in seconds, is what Node, Apache and nginx say and Node's own client goes by. */
function keptFor(head: MessageHead): number | undefined {
  const seconds = readTimeout(head.text('keep-alive'));
  return seconds === undefined ? undefined : Number(seconds) * SECOND_MS;
}
