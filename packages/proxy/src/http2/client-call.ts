import { constants } from 'node:http2';
import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';

import { RampartError } from '@rampart/core';

import type { UpstreamCall } from '../http/upstream.ts';
import type { OutgoingRequest, ResponseSink } from '../http1/client-connection.ts';
import type { Portion } from '../http1/message-reader.ts';
import { REASON_PHRASES } from '../http1/reason-phrases.ts';
import { blockOf, objectOf, readResponse, withoutPseudo } from './fields.ts';
import { StreamReset } from './stream-reset.ts';

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
}

/** One request over HTTP/2 and its answer, as the client's side sees them. */
export class Http2Call implements UpstreamCall {
  readonly wasUsed: boolean;
  readonly #carrier: CallCarrier;
  #stream: ClientHttp2Stream | undefined;
  #sink: ResponseSink | undefined;
  #isSent = false;
  #isFull = false;
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

  send({ head, isUpgrade }: OutgoingRequest, portion: Portion, sink: ResponseSink): boolean {
    this.#sink = sink;
    if (isUpgrade) return this.#failLater(noUpgrade(head.text('upgrade') ?? ''));
    const { method, url } = head;
    const pseudo = [':method', method, ':path', url, ':scheme', 'http', ':authority', head.text('host') ?? ''];
    const isWhole = portion.isLast && portion.trailers.length === 0;
    const endStream = isWhole && portion.body.length === 0;
    try {
      // Trailers are awaited also where there will be none, so that half a request is never taken for the whole: a stream of
      // Node that is closed before its end says first that it has come to it, unless trailers are due.
      const stream = this.#carrier.request(blockOf(pseudo, head), { endStream, waitForTrailers: !isWhole });
      this.#listen(stream);
      this.#stream = stream;
    } catch (cause) {
      return this.#failLater(cause instanceof Error ? cause : new Error(String(cause)));
    }
    this.#isSent = endStream;
    return endStream || this.continue(portion);
  }

  continue({ body, isLast, trailers }: Portion): boolean {
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

  resume(): void {
    this.#stream?.resume();
  }

  abandon(): void {
    this.#sink = undefined;
    this.#stream?.close(constants.NGHTTP2_CANCEL);
  }

  #listen(stream: ClientHttp2Stream): void {
    stream.on('response', (headers, flags, raw: readonly string[]) => this.#answered({ headers, raw }, flags));
    stream.on('headers', (headers, _flags, raw: readonly string[]) => this.#informed({ headers, raw }));
    stream.on('trailers', (_headers, _flags, raw: readonly string[]) => {
      this.#trailers = withoutPseudo(raw);
    });
    stream.on('wantTrailers', () => this.#sendTrailers(stream));
    let failure: Error | undefined;
    stream.on('error', (error: Error) => {
      failure = error;
    });
    stream.on('close', () => this.#closed(stream.rstCode, failure));
  }

  #answered(block: { readonly headers: IncomingHttpHeaders; readonly raw: readonly string[] }, flags: number): void {
    this.#hasAnswered = true;
    const isLast = (flags & END_STREAM) !== 0;
    const head = readResponse(block, REASON_PHRASES[Number(block.headers[':status'])] ?? '');
    const sink = this.#sink;
    if (isLast) this.#over();
    const hasRoom = sink?.response(head, isLast ? { ...NOTHING_YET, isLast } : NOTHING_YET) ?? true;
    const stream = this.#stream;
    if (isLast || stream === undefined) return;
    // Not before: Node brings data ahead of the head that came with it to whoever waits for both.
    stream.on('data', (chunk: Buffer) => this.#brought([chunk], false));
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
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.failed(reasonOf(failure) ?? this.#carrier.failure ?? new StreamReset(code));
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
