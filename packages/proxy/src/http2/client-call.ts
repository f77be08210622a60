import { constants } from 'node:http2';
import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';

import { RampartError } from '@rampart/core';

import type { UpstreamCall } from '../http/upstream.ts';
import type { OutgoingRequest, ResponseSink } from '../http1/client-connection.ts';
import type { MessageHead } from '../http1/head.ts';
import type { Portion } from '../http1/message-reader.ts';
import { REASON_PHRASES } from '../http1/reason-phrases.ts';
import { blockOf, mayHaveTrailers, objectOf, readResponse, withoutPseudo } from './fields.ts';
import { cutOff, StreamReset } from './stream-reset.ts';

const NOTHING: readonly Buffer[] = [];
const NO_TRAILERS: readonly string[] = [];
const NOTHING_YET: Portion = { body: NOTHING, isLast: false, trailers: NO_TRAILERS };
const END_STREAM: number = constants.NGHTTP2_FLAG_END_STREAM;

/** The connection that a call goes over, as the call sees it. */
export interface CallCarrier {
  /** It has carried requests before. */
  readonly wasUsed: boolean;
  /** Why it is over; undefined while it is not. */
  readonly failure: Error | undefined;
  /** @throws where headers cannot be sent in HTTP/2. */
  request(
    block: readonly string[],
    options: { readonly endStream: boolean; readonly waitForTrailers: boolean },
  ): ClientHttp2Stream;
  /** Another one to the same place. */
  next(): CallCarrier;
}

/** Up to here what was sent is kept, until something of the answer comes. */
const MOST_KEPT = 65_536;
/** A server that refuses so often has no room. */
const MOST_REFUSALS = 3;

/** One request over HTTP/2 and its answer, as the client's side sees them. */
export class Http2Call implements UpstreamCall {
  readonly wasUsed: boolean;
  #carrier: CallCarrier;
  #request: OutgoingRequest | undefined;
  /** What of the body was sent; undefined once it is too much to be sent again. */
  #kept: Kept | undefined = new Kept();
  #refusals = 0;
  #stream: ClientHttp2Stream | undefined;
  #sink: ResponseSink | undefined;
  #isSent = false;
  #isFull = false;
  #waitsForTrailers = false;
  #hasAnswered = false;
  /** Of the answer. */
  #trailers: readonly string[] = NO_TRAILERS;
  /** Of the request. */
  #ownTrailers: readonly string[] = NO_TRAILERS;

  constructor(carrier: CallCarrier) {
    this.#carrier = carrier;
    this.wasUsed = carrier.wasUsed;
  }

  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  send(request: OutgoingRequest, portion: Portion, sink: ResponseSink): boolean {
    this.#sink = sink;
    this.#request = request;
    if (request.isUpgrade) return this.#failLater(noUpgrade(request.head.text('upgrade') ?? ''));
    return this.#begin(request.head, portion);
  }

  continue(portion: Portion): boolean {
    this.#keep(portion);
    return this.#write(portion);
  }

  resume(): void {
    this.#stream?.resume();
  }

  abandon(): void {
    this.#sink = undefined;
    if (this.#stream !== undefined) cutOff(this.#stream, constants.NGHTTP2_CANCEL, this.#waitsForTrailers);
  }

  #begin(head: MessageHead, portion: Portion): boolean {
    const { method, url } = head;
    const pseudo = [':method', method, ':path', url, ':scheme', 'http', ':authority', head.text('host') ?? ''];
    const endStream = portion.isLast && portion.body.length === 0 && portion.trailers.length === 0;
    this.#keep(portion);
    try {
      this.#waitsForTrailers = !endStream && mayHaveTrailers(head, portion);
      const options = { endStream, waitForTrailers: this.#waitsForTrailers };
      const stream = this.#carrier.request(blockOf(pseudo, head), options);
      this.#listen(stream);
      this.#stream = stream;
    } catch (cause) {
      return this.#failLater(cause instanceof Error ? cause : new Error(String(cause)));
    }
    this.#isSent = endStream;
    return endStream || this.#write(portion);
  }

  #keep(portion: Portion): void {
    if (this.#kept?.add(portion) === false) this.#kept = undefined;
  }

  #write({ body, isLast, trailers }: Portion): boolean {
    const stream = this.#stream;
    if (this.#isSent || stream === undefined || stream.destroyed || stream.closed) return true;
    let hasRoom = true;
    for (const chunk of body) hasRoom = stream.write(chunk);
    if (isLast) {
      this.#isSent = true;
      this.#ownTrailers = trailers;
      stream.end();
    } else if (!hasRoom && !this.#isFull) {
      this.#isFull = true;
      stream.once('drain', () => {
        this.#isFull = false;
        this.#sink?.requestRoom();
      });
    }
    return hasRoom;
  }

  #listen(stream: ClientHttp2Stream): void {
    stream.on('response', (headers, flags, raw: readonly string[]) => this.#answered({ headers, raw }, flags));
    stream.on('headers', (headers, _flags, raw: readonly string[]) => this.#informed({ headers, raw }));
    if (this.#waitsForTrailers) stream.on('wantTrailers', () => this.#sendTrailers(stream));
    let failure: Error | undefined;
    stream.on('error', (error: Error) => {
      failure = error;
    });
    stream.on('close', () => this.#closed(stream.rstCode, failure));
  }

  #answered(block: { readonly headers: IncomingHttpHeaders; readonly raw: readonly string[] }, flags: number): void {
    this.#hasAnswered = true;
    this.#kept = undefined;
    const isLast = (flags & END_STREAM) !== 0;
    const head = readResponse(block, REASON_PHRASES[Number(block.headers[':status'])] ?? '');
    const sink = this.#sink;
    if (isLast) this.#over();
    const hasRoom = sink?.response(head, isLast ? { ...NOTHING_YET, isLast } : NOTHING_YET) ?? true;
    const stream = this.#stream;
    if (isLast || stream === undefined) return;
    // Not before: Node brings data ahead of the head that came with it to whoever waits for both.
    stream.on('data', (chunk: Buffer) => this.#brought([chunk], false));
    stream.on('trailers', (_headers, _flags, raw: readonly string[]) => {
      this.#trailers = withoutPseudo(raw);
    });
    stream.on('end', () => this.#ended(stream));
    if (!hasRoom) stream.pause();
  }

  #informed(block: { readonly headers: IncomingHttpHeaders; readonly raw: readonly string[] }): void {
    const head = readResponse(block, REASON_PHRASES[Number(block.headers[':status'])] ?? '');
    if (head.status !== 0) this.#sink?.inform(head);
  }

  #brought(body: readonly Buffer[], isLast: boolean): void {
    const sink = this.#sink;
    if (isLast) this.#over();
    const hasRoom = sink?.responseBody({ body, isLast, trailers: isLast ? this.#trailers : NO_TRAILERS }) ?? true;
    if (!hasRoom && !isLast) this.#stream?.pause();
  }

  /** The end of what came is the end of the answer only where nobody broke it off. */
  #ended({ aborted, rstCode }: ClientHttp2Stream): void {
    if (this.#sink !== undefined && this.#hasAnswered && !aborted && rstCode === constants.NGHTTP2_NO_ERROR)
      this.#brought(NOTHING, true);
  }

  /** The answer is complete. Nobody needs the rest of a request that is answered already (RFC 9113 §8.1). */
  #over(): void {
    this.#sink = undefined;
    if (!this.#isSent) this.#stream?.close(constants.NGHTTP2_NO_ERROR);
  }

  #closed(code: number, failure: Error | undefined): void {
    if (this.#mayAgain(code, failure)) return;
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.failed(reasonOf(failure) ?? this.#carrier.failure ?? new StreamReset(code));
  }

  /** What was refused was not looked at: it may be sent again, whatever it is (RFC 9113 §8.7). */
  #mayAgain(code: number, failure: Error | undefined): boolean {
    const isRefused = code === constants.NGHTTP2_REFUSED_STREAM || wasNotSent(failure);
    const [sink, kept, request] = [this.#sink, this.#kept, this.#request];
    if (!isRefused || this.#hasAnswered || sink === undefined || kept === undefined || request === undefined)
      return false;
    this.#refusals += 1;
    if (this.#refusals > MOST_REFUSALS) return false;
    this.#carrier = this.#carrier.next();
    this.#kept = new Kept();
    this.#isFull = false;
    if (this.#begin(request.head, kept)) sink.requestRoom();
    return true;
  }

  #sendTrailers(stream: ClientHttp2Stream): void {
    if (stream.closed || stream.destroyed) return;
    try {
      stream.sendTrailers(objectOf(this.#ownTrailers));
    } catch {
      stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    }
  }

  /** Never from within `send`. */
  #failLater(error: Error): true {
    queueMicrotask(() => {
      const sink = this.#sink;
      this.#sink = undefined;
      sink?.failed(error);
    });
    return true;
  }
}

/** A request body so far. */
class Kept implements Portion {
  readonly body: Buffer[] = [];
  isLast = false;
  trailers: readonly string[] = NO_TRAILERS;
  #bytes = 0;

  /** False where it is more than is kept. */
  add({ body, isLast, trailers }: Portion): boolean {
    for (const chunk of body) this.#bytes += chunk.length;
    this.body.push(...body);
    this.isLast = isLast;
    this.trailers = trailers;
    return this.#bytes <= MOST_KEPT;
  }
}

/** The connection was left before the request could be sent on it. */
function wasNotSent(error: Error | undefined): boolean {
  return error !== undefined && 'code' in error && error.code === 'ERR_HTTP2_GOAWAY_SESSION';
}

/** What Node has put around the reason is taken off; undefined where a code of HTTP/2 is the whole reason. */
function reasonOf(error: Error | undefined): Error | undefined {
  if (error === undefined || !('code' in error)) return error;
  if (error.code === 'ERR_HTTP2_STREAM_ERROR') return undefined;
  return error.code === 'ERR_HTTP2_STREAM_CANCEL' && error.cause instanceof Error ? error.cause : error;
}

function noUpgrade(protocol: string): RampartError {
  return new RampartError(
    'UNSUPPORTED_FEATURE',
    `the request changes to "${protocol}", as HTTP/1.1 does it, and the service speaks HTTP/2; register it as http where it takes such requests`,
  );
}
