import type { Exchange } from '../http/exchange.ts';
import { partingAnswer } from '../http/given-up.ts';
import type { GivenUpError } from '../http/given-up.ts';
import type { ByteStream } from '../stream/byte-stream.ts';
import { ownResponseText, responseText } from './head-text.ts';
import type { Framing } from './head-text.ts';
import type { MessageHead } from './head.ts';
import type { Portion } from './message-reader.ts';
import { sendHead, sendPortion, sendUnchanged } from './outbox.ts';

/** Takes a request's body. */
export interface BodySink {
  /** Says whether there is room for more; where not, `exchange.resume` is to be called. */
  requestBody(portion: Portion): boolean;
  /** The request will not be whole, or nobody waits for its answer any more. */
  abandoned(error: Error): void;
  /** There is room again for the answer. */
  responseRoom(): void;
}

/** The connection that a request came on. */
export interface ExchangeHome {
  readonly stream: ByteStream;
  /** Request and answer are over, or the answer is. */
  over(): void;
  /** Takes the connection out of HTTP. Returns what came behind the request. */
  takeOver(): Buffer;
  /** What it was taken over for is over. */
  switchedOver(): void;
}

interface Arrived {
  readonly head: MessageHead;
  readonly shouldKeepAlive: boolean;
  readonly isUpgrade: boolean;
}

const NOTHING: readonly Buffer[] = [];
const NO_TRAILERS: readonly string[] = [];

const CONTINUE = 100;

/** Statuses whose answers have no body (RFC 9110 §6.4.1). */
function isBodiless(status: number): boolean {
  return status === 204 || status === 304;
}

/** One request and its answer, as the server's side sees them. */
export class ServerExchange {
  readonly head: MessageHead;
  /** The caller asks to take the connection to another protocol. */
  readonly isUpgrade: boolean;
  /** Body bytes that came, and that were sent. */
  bytesReceived = 0;
  bytesSent = 0;
  /** Status of the answer that was sent; 0 before. */
  status = 0;
  readonly #stream: ByteStream;
  readonly #home: ExchangeHome;
  #sink: BodySink | undefined;
  #waiting: Buffer[] | undefined;
  #trailers: readonly string[] = NO_TRAILERS;
  #progress: (() => void) | undefined;
  #leavers: Set<() => void> | undefined;
  #isRead = false;
  #isLast: boolean;
  #isOver = false;
  /** Nothing more is read of it for now. */
  #isHeld = false;
  /** The caller does not ask first whether it is to send its body, or was told so. */
  #isInvited: boolean;
  #framing: Framing = 'length';

  constructor(home: ExchangeHome, { head, shouldKeepAlive, isUpgrade }: Arrived) {
    this.#home = home;
    this.#stream = home.stream;
    this.head = head;
    this.isUpgrade = isUpgrade;
    this.#isInvited = !head.has('expect');
    // Callers of HTTP/1.0 wait for a header of their own that says that a connection stays (RFC 9112 §9.3); it does not.
    this.#isLast = !shouldKeepAlive || head.httpVersion === '1.0';
  }

  /** The request has come whole. */
  get isRead(): boolean {
    return this.#isRead;
  }

  /** The answer was sent whole, or never will be. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The connection ends with this answer. */
  get isLast(): boolean {
    return this.#isLast;
  }

  /** It is the caller's turn: its body is not whole, nobody holds it back, and no answer has begun. */
  get awaitsBody(): boolean {
    return !this.#isRead && this.#isInvited && !this.#isHeld && this.status === 0;
  }

  get hasBegunAnswer(): boolean {
    return this.status !== 0;
  }

  /** No further request is to come on this connection: said in the answer's head. */
  makeLast(): void {
    this.#isLast = true;
  }

  /** What came of the body so far, and whether that is all; it goes with the head to where the request is sent. */
  takeBody(sink: BodySink): Portion {
    this.#sink = sink;
    const body = this.#waiting ?? NOTHING;
    this.#waiting = undefined;
    if (!this.#isRead) this.resume();
    return { body, isLast: this.#isRead, trailers: this.#trailers };
  }

  /**
   * Reads ahead in the body until it is whole or more than `limit` bytes are there, before `takeBody`. Rejects when the
   * caller goes away, or with the signal's reason.
   */
  peek(limit: number, signal: AbortSignal): Promise<{ readonly bytes: Buffer; readonly complete: boolean }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ bytes: Buffer; complete: boolean }>();
    const look = (): void => {
      const bytes = Buffer.concat(this.#waiting ?? NOTHING);
      if (this.#isOver) reject(new Error('the caller went away before its body was there'));
      else if (this.#isRead || bytes.length > limit)
        resolve({ bytes: bytes.subarray(0, limit), complete: this.#isRead && bytes.length <= limit });
      else return this.resume();
      this.#progress = undefined;
      return undefined;
    };
    this.#progress = look;
    signal.addEventListener(
      'abort',
      () => reject(signal.reason instanceof Error ? signal.reason : new Error('given up')),
      {
        once: true,
      },
    );
    look();
    return promise;
  }

  /** Calls back once when the caller goes away before its answer is complete. Returns how to stop waiting for that. */
  onGone(callback: () => void): () => void {
    (this.#leavers ??= new Set()).add(callback);
    return () => this.#leavers?.delete(callback);
  }

  /** Tells a caller that waits for it to send its body (RFC 9110 §10.1.1). */
  invite(): void {
    if (!this.head.has('expect') || this.#isRead) return;
    this.#isInvited = true;
    this.#stream.write(Buffer.from('HTTP/1.1 100 Continue\r\n\r\n', 'latin1'));
  }

  /** No more of the body may come for now. */
  pause(): void {
    if (!this.#isRead) this.#hold();
  }

  /** More of the body may come. */
  resume(): void {
    this.#isHeld = false;
    this.#stream.resume();
  }

  /** More of the request has come: called by its connection alone. */
  arrived(portion: Portion): void {
    if (this.#isRead) return;
    for (const chunk of portion.body) this.bytesReceived += chunk.length;
    if (portion.body.length > 0) this.#isInvited = true;
    this.#isRead = portion.isLast;
    if (portion.isLast) this.#trailers = portion.trailers;
    if (this.#isOver) return;
    if (this.#sink !== undefined) {
      if (!this.#sink.requestBody(portion) && !portion.isLast) this.#hold();
      return;
    }
    (this.#waiting ??= []).push(...portion.body);
    if (!portion.isLast) this.#hold();
    this.#progress?.();
  }

  abandoned(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isLast = true;
    this.#leave(error);
  }

  /** Ends it where nothing moves any more; the caller is told why where its answer has not begun. */
  expire(error: GivenUpError): void {
    if (this.#isOver) return;
    const { headers, body } = partingAnswer(error);
    if (this.status === 0) {
      this.makeLast();
      this.answer(error.status, headers, body);
    } else this.breakOff();
    this.#leave(error);
  }

  #hold(): void {
    this.#isHeld = true;
    this.#stream.pause();
  }

  #leave(error: Error): void {
    this.#progress?.();
    for (const callback of this.#leavers ?? []) callback();
    this.#sink?.abandoned(error);
  }

  roomAgain(): void {
    this.#sink?.responseRoom();
  }

  /** Sends an informational answer (1xx other than 101) ahead of the real one. */
  inform(head: MessageHead): void {
    if (this.#isOver || this.head.httpVersion === '1.0') return;
    if (head.status === CONTINUE) this.#isInvited = true;
    this.#stream.write(Buffer.from(responseText(head, { framing: 'none', isLast: false, isUpgrade: false }), 'latin1'));
  }

  /** Sends an answer's head with what is there of its body. Says whether there is room for more. */
  respond(head: MessageHead, portion: Portion): boolean {
    if (this.#isOver) return true;
    this.status = head.status;
    this.#framing = this.#framingOf(head);
    if (this.#framing === 'close') this.#isLast = true;
    const how = { framing: this.#framing, isLast: this.#isLast || !this.#isRead, isUpgrade: false };
    if (!this.#isRead) this.#isLast = true;
    this.#count(portion);
    const hasRoom =
      sendUnchanged(this.#stream, head.unchanged(how), portion) ??
      sendHead(this.#stream, { text: responseText(head, how), framing: this.#framing }, portion);
    if (portion.isLast) this.#finish();
    return hasRoom;
  }

  /** Sends more of the answer's body. Says whether there is room for more. */
  continue(portion: Portion): boolean {
    if (this.#isOver) return true;
    const hasRoom = sendPortion(this.#stream, this.#count(portion), this.#framing);
    if (portion.isLast) this.#finish();
    return hasRoom;
  }

  /** Sends an answer of the proxy's own. */
  answer(status: number, headers: readonly string[], body: Uint8Array): void {
    if (this.#isOver) return;
    this.status = status;
    if (!this.#isRead) this.#isLast = true;
    const isShown = this.head.method !== 'HEAD';
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    const portion = { body: isShown ? [bytes] : NOTHING, isLast: true, trailers: NO_TRAILERS };
    const text = ownResponseText(status, headers, this.#isLast);
    sendHead(this.#stream, { text, framing: 'length' }, this.#count(portion));
    this.#finish();
  }

  /** The answer broke off where it cannot be mended: the caller sees so by the connection's end. */
  breakOff(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isLast = true;
    this.#stream.reset();
  }

  switchTo(head: MessageHead): ReturnType<Exchange['switchTo']> {
    this.status = head.status;
    this.#isOver = true;
    const rest = this.#home.takeOver();
    this.#stream.write(Buffer.from(responseText(head, { framing: 'none', isLast: false, isUpgrade: true }), 'latin1'));
    return { stream: this.#stream, rest, over: () => this.#home.switchedOver() };
  }

  #count(portion: Portion): Portion {
    for (const chunk of portion.body) this.bytesSent += chunk.length;
    return portion;
  }

  #finish(): void {
    this.#isOver = true;
    this.#home.over();
  }

  #framingOf(head: MessageHead): Framing {
    if (this.head.method === 'HEAD' || isBodiless(head.status)) return 'none';
    if (head.has('content-length')) return 'length';
    return this.head.httpVersion === '1.0' ? 'close' : 'chunked';
  }
}
