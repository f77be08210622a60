import { constants } from 'node:http2';
import type { OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';

import { RampartError } from '@rampart/core';
import { describeGrpcStatus, grpcAnswer, isGrpc } from '@rampart/mesh';

import { partingAnswer } from '../http/given-up.ts';
import type { GivenUpError } from '../http/given-up.ts';
import type { Exchange } from '../http/exchange.ts';
import { MessageHead } from '../http1/head.ts';
import type { Portion } from '../http1/message-reader.ts';
import type { BodySink } from '../http1/server-exchange.ts';
import { blockOf, fieldOf, mayHaveTrailers, objectOf, withoutPseudo } from './fields.ts';
import { HTTP2_LIMITS } from './limits.ts';
import { cutOff, resetCodeOf, StreamReset } from './stream-reset.ts';

const NOTHING: readonly Buffer[] = [];
const NO_TRAILERS: readonly string[] = [];
const END: Portion = { body: NOTHING, isLast: true, trailers: NO_TRAILERS };
const CONTINUE = 100;
const OK = 200;
/** Streams of messages beside gRPC, of the Connect protocol. */
const CONNECT_STREAM = 'application/connect+';
const GRPC_STATUS = 'grpc-status';
/** Node ends these by itself, whatever is to come: there is nothing to come (RFC 9110 §6.4.1, §15.3.6). */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

export interface ServerExchangeOptions {
  readonly stream: ServerHttp2Stream;
  readonly head: MessageHead;
  /** Asks the caller to send its next requests elsewhere. */
  retire(): void;
}

/** One request over HTTP/2 and its answer, as the server's side sees them. */
export class Http2Exchange implements Exchange {
  readonly head: MessageHead;
  readonly isUpgrade = false;
  bytesReceived = 0;
  bytesSent = 0;
  status = 0;
  remark = '';
  readonly #stream: ServerHttp2Stream;
  readonly #retire: () => void;
  readonly #isGrpc: boolean;
  /** The caller does not ask first whether it is to send its body, or was told so. */
  #isInvited: boolean;
  #sink: BodySink | undefined;
  #waiting: Buffer[] = [];
  /** Of the request. */
  #trailers: readonly string[] = NO_TRAILERS;
  /** Of the answer. */
  #ownTrailers: readonly string[] = NO_TRAILERS;
  #waitsForTrailers = false;
  #progress: (() => void) | undefined;
  #leavers: Set<() => void> | undefined;
  #isRead: boolean;
  #isOver = false;
  #isListening = false;
  #isFull = false;

  constructor({ stream, head, retire }: ServerExchangeOptions) {
    this.#stream = stream;
    this.head = head;
    this.#retire = retire;
    this.#isRead = stream.endAfterHeaders;
    this.#isGrpc = isGrpc(head.headers);
    this.#isInvited = !head.has('expect');
    // What went wrong is told by `close`.
    stream.on('error', () => undefined);
    stream.on('close', () => this.#closed());
    if (this.#isRead) return;
    // A body of nothing ends before anybody listens to it, where it came at once with the head.
    stream.on('trailers', (_headers, _flags, raw: string[]) => {
      this.#trailers = withoutPseudo(raw);
    });
    // A stream that is closed before its answer was sent was not ended, but reset.
    stream.on('end', () => stream.closed || this.#arrived(undefined));
  }

  get isRead(): boolean {
    return this.#isRead;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get hasBegunAnswer(): boolean {
    return this.status !== 0;
  }

  /** Of its body that came, as far as it is known: what nobody took yet is counted with what nghttp2 did not ask for again. */
  get bytesArrived(): number {
    const { session, readableLength, state } = this.#stream;
    const window = session?.pendingSettingsAck === false ? HTTP2_LIMITS.streamWindow : HTTP2_LIMITS.usualWindow;
    return this.bytesReceived + readableLength + Math.max(0, window - (state.localWindowSize ?? window));
  }

  /** Of names and values of the request's trailers. */
  get trailerBytes(): number {
    return this.#trailers.reduce((sum, { length }) => sum + length, 0);
  }

  /**
   * It is the caller's turn: its body is not whole, nobody holds it back, and no answer has begun. Streams of messages may
   * be quiet for as long as they like.
   */
  get awaitsBody(): boolean {
    const isOpen = this.#isListening && !this.#isRead && !this.#isOver && this.status === 0;
    return isOpen && this.#isInvited && !this.#isOfMessages && !this.#stream.isPaused();
  }

  get #isOfMessages(): boolean {
    return this.#isGrpc || this.head.text('content-type')?.startsWith(CONNECT_STREAM) === true;
  }

  /** The caller does not read what there is for it. */
  get isStalled(): boolean {
    return this.#isFull;
  }

  makeLast(): void {
    this.#retire();
  }

  takeBody(sink: BodySink): Portion {
    this.#sink = sink;
    const body = this.#waiting;
    this.#waiting = [];
    if (!this.#isRead) this.#listen();
    return { body, isLast: this.#isRead, trailers: this.#trailers };
  }

  peek(limit: number, signal: AbortSignal): Promise<{ readonly bytes: Buffer; readonly complete: boolean }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ bytes: Buffer; complete: boolean }>();
    const look = (): void => {
      const bytes = Buffer.concat(this.#waiting);
      if (this.#isOver) reject(new Error('the caller went away before its body was there'));
      else if (this.#isRead || bytes.length > limit)
        resolve({ bytes: bytes.subarray(0, limit), complete: this.#isRead && bytes.length <= limit });
      else return this.#listen();
      this.#progress = undefined;
      return undefined;
    };
    this.#progress = look;
    const giveUp = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error('given up'));
    signal.addEventListener('abort', giveUp, { once: true });
    look();
    return promise;
  }

  onGone(callback: () => void): () => void {
    (this.#leavers ??= new Set()).add(callback);
    return () => this.#leavers?.delete(callback);
  }

  invite(): void {
    if (!this.head.has('expect') || this.#isRead) return;
    this.#isInvited = true;
    this.#inform({ ':status': CONTINUE });
  }

  pause(): void {
    if (!this.#isRead) this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  inform({ status, rawHeaders }: MessageHead): void {
    if (status === CONTINUE) this.#isInvited = true;
    this.#inform({ ...objectOf(rawHeaders), ':status': status });
  }

  respond(head: MessageHead, portion: Portion): boolean {
    if (this.#isOver) return true;
    this.status = head.status;
    const isBare = this.head.method === 'HEAD' || BODILESS.has(head.status);
    const isWhole = isBare || (portion.isLast && portion.body.length === 0 && portion.trailers.length === 0);
    const waitForTrailers = !isWhole && mayHaveTrailers(head, portion);
    if (this.#isGrpc) this.#note(head.rawHeaders);
    if (!this.#open(blockOf([':status', String(head.status)], head), { endStream: isWhole, waitForTrailers }))
      return true;
    if (!isWhole) return this.#send(portion);
    this.#finish();
    return true;
  }

  continue(portion: Portion): boolean {
    return this.#isOver || this.#send(portion);
  }

  answer(status: number, headers: readonly string[], body: Uint8Array): void {
    if (this.#isOver) return;
    if (this.#isGrpc) {
      this.status = OK;
      const fields = grpcAnswer({ code: status, headers, body });
      this.#note(fields);
      this.#open([':status', String(OK), ...fields], { endStream: true, waitForTrailers: false });
      this.#finish();
      return;
    }
    this.status = status;
    const endStream = this.head.method === 'HEAD' || body.length === 0;
    const start = { method: '', url: '', status, reasonPhrase: '', httpVersion: '1.1' };
    const block = blockOf([':status', String(status)], new MessageHead(start, [...headers]));
    if (!this.#open(block, { endStream, waitForTrailers: false }) || endStream) return this.#finish();
    this.#send({ ...END, body: [Buffer.from(body.buffer, body.byteOffset, body.byteLength)] });
  }

  breakOff(reason?: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    cutOff(this.#stream, resetCodeOf(reason), this.#waitsForTrailers);
  }

  /** Ends it where nothing moves any more; the caller is told why where its answer has not begun. */
  expire(error: GivenUpError): void {
    if (this.#isOver) return;
    const { headers, body } = partingAnswer(error);
    if (this.status === 0) this.answer(error.status, headers, body);
    else cutOff(this.#stream, constants.NGHTTP2_ENHANCE_YOUR_CALM, this.#waitsForTrailers);
    this.#leave(error);
  }

  switchTo(): never {
    throw new RampartError('INTERNAL', 'BUG: a request over HTTP/2 was to change the protocol of its connection');
  }

  /** Body and trailers come from now on. */
  #listen(): void {
    const stream = this.#stream;
    if (this.#isListening) {
      stream.resume();
      return;
    }
    this.#isListening = true;
    stream.on('data', (chunk: Buffer) => this.#arrived(chunk));
  }

  #arrived(chunk: Buffer | undefined): void {
    if (chunk === undefined) this.#isRead = true;
    else this.bytesReceived += chunk.length;
    this.#isInvited = true;
    if (this.#isOver) return;
    const body = chunk === undefined ? NOTHING : [chunk];
    if (this.#sink !== undefined) {
      const portion = { body, isLast: this.#isRead, trailers: this.#trailers };
      if (!this.#sink.requestBody(portion) && !this.#isRead) this.#stream.pause();
      return;
    }
    this.#waiting.push(...body);
    if (!this.#isRead) this.#stream.pause();
    this.#progress?.();
  }

  #closed(): void {
    if (!this.#isOver) this.#leave(new StreamReset(this.#stream.rstCode));
  }

  #leave(error: Error): void {
    this.#isOver = true;
    this.#progress?.();
    for (const callback of this.#leavers ?? []) callback();
    this.#sink?.abandoned(error);
  }

  #inform(headers: OutgoingHttpHeaders): void {
    const stream = this.#stream;
    if (this.#isOver || stream.headersSent || stream.closed) return;
    try {
      stream.additionalHeaders(headers);
    } catch {
      // It cannot be said in HTTP/2, and nobody waits for it.
    }
  }

  /** Sends the answer's head. False where there is nobody left to hear it, or where it cannot be said in HTTP/2. */
  #open(
    block: readonly string[],
    options: { readonly endStream: boolean; readonly waitForTrailers: boolean },
  ): boolean {
    const stream = this.#stream;
    if (stream.closed || stream.destroyed) return false;
    try {
      const withoutDate = { ...options, sendDate: false };
      stream.respond(block, withoutDate);
    } catch {
      stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      return false;
    }
    this.#waitsForTrailers = options.waitForTrailers;
    if (options.waitForTrailers) stream.once('wantTrailers', () => this.#sendTrailers());
    return true;
  }

  #send({ body, isLast, trailers }: Portion): boolean {
    const stream = this.#stream;
    let hasRoom = true;
    for (const chunk of body) {
      this.bytesSent += chunk.length;
      hasRoom = stream.write(chunk);
    }
    if (isLast) {
      if (this.#isGrpc) this.#note(trailers);
      this.#ownTrailers = trailers;
      stream.end();
      this.#finish();
    } else if (!hasRoom && !this.#isFull) {
      this.#isFull = true;
      stream.once('drain', () => {
        this.#isFull = false;
        this.#sink?.responseRoom();
      });
    }
    return hasRoom;
  }

  #sendTrailers(): void {
    const stream = this.#stream;
    if (stream.closed || stream.destroyed) return;
    try {
      stream.sendTrailers(objectOf(this.#ownTrailers));
    } catch {
      stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      return;
    }
    // Node sends them with an immediate of its own, which is before this one.
    if (!this.#isRead) setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
  }

  /** Whoever is still sending need not (RFC 9113 §8.1). */
  #finish(): void {
    this.#isOver = true;
    const stream = this.#stream;
    if (this.#isRead) return;
    stream.resume();
    if (!this.#waitsForTrailers) stream.close(constants.NGHTTP2_NO_ERROR);
  }

  #note(fields: readonly string[]): void {
    const status = fieldOf(fields, GRPC_STATUS);
    if (status !== undefined || this.remark === '') this.remark = describeGrpcStatus(status);
  }
}
