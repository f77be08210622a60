import http2 from 'node:http2';
import type {
  ClientHttp2Stream,
  IncomingHttpHeaders,
  IncomingHttpStatusHeader,
  OutgoingHttpHeaders,
  ServerHttp2Stream,
} from 'node:http2';

import type { CompiledAnswer } from '@rampart/core';
import { changeHeaders, COMPLETE, describeStatus, failure, grpcAnswer, isGrpc } from '@rampart/mesh';
import type {
  Breakage,
  CallDriver,
  Ending,
  OutboundExchange,
  OutboundRecorder,
  RuledService,
  Target,
  TrafficCall,
  Try,
} from '@rampart/mesh';

import { RequestBody } from '../request-body.ts';
import { asUnsignable, Signing } from '../signing.ts';
import type { Unsignable } from '../signing.ts';
import { headersOf, passedList } from './header-lists.ts';

const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_REFUSED_STREAM } = http2.constants;
/** Of a frame: nothing follows (RFC 9113 §6.2). */
const END_STREAM = 0x1;

export interface RuledStreamOptions {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly exchange: OutboundExchange;
  readonly ruled: RuledService;
  readonly recorder: OutboundRecorder;
  /** Opens a request to an instance. */
  send(target: Target, headers: OutgoingHttpHeaders): ClientHttp2Stream;
  over(): void;
}

/** One request over HTTP/2 to a service that rules are about: the rules decide, and this does. */
export class RuledStream implements CallDriver {
  readonly #options: RuledStreamOptions;
  readonly #call: TrafficCall;
  readonly #body: RequestBody;
  readonly #signing: Signing;
  #current: ClientHttp2Stream | undefined;
  #trailers: IncomingHttpHeaders = {};
  #isRecorded = false;

  private constructor(options: RuledStreamOptions) {
    this.#options = options;
    const { stream, headers, exchange, ruled } = options;
    exchange.ruled = ruled.service;
    this.#body = new RequestBody(stream, ruled.signature?.maxBodyBytes);
    this.#signing = new Signing(ruled.signature, this.#body);
    const request = {
      method: headers[':method'] ?? 'GET',
      url: headers[':path'] ?? '/',
      authority: headers[':authority'] ?? headers.host ?? '',
      headers,
    };
    this.#call = ruled.call(request, this);
    stream.on('error', () => undefined);
    stream.once('close', () => this.#closed());
  }

  static begin(options: RuledStreamOptions): void {
    new RuledStream(options).#call.begin();
  }

  get canBeRepeated(): boolean {
    return this.#body.isKept;
  }

  send(attempt: Try): void {
    this.#options.exchange.target = attempt.target;
    this.#signing.prepare({
      ready: () => this.#sendNow(attempt),
      refused: (unsignable) => this.#refuse(unsignable),
    });
  }

  #refuse({ error, answer }: Unsignable): void {
    this.#call.abandoned();
    this.answer(answer, failure(this.#options.exchange, error, { byCaller: false, connected: false }));
  }

  #sendNow(attempt: Try): void {
    let sent: ClientHttp2Stream;
    try {
      sent = this.#open(attempt);
    } catch (error) {
      const unsignable = asUnsignable(error);
      if (unsignable !== undefined) {
        this.#refuse(unsignable);
        return;
      }
      const reason = error instanceof Error ? error.message : String(error);
      queueMicrotask(() => this.#call.broke({ end: 'connect-failure', wasSent: false, reason }));
      return;
    }
    this.#current = sent;
    this.#trailers = {};
    let failed: Error | undefined;
    sent.on('error', (error: Error) => {
      failed = error;
    });
    sent.once('response', (headers: IncomingHttpHeaders & IncomingHttpStatusHeader, flags: number) =>
      this.#answered(sent, headers, flags),
    );
    sent.once('trailers', (trailers: IncomingHttpHeaders) => {
      if (sent === this.#current) this.#trailers = trailers;
    });
    sent.once('close', () => this.#ended(sent, failed));
    this.#body.sendTo(sent);
  }

  mirror(copy: Try): void {
    this.#body.whenWhole((body) => {
      let sent: ClientHttp2Stream;
      try {
        sent = this.#open(copy);
      } catch {
        // What keeps it from being sent keeps the request itself, which is answered with it.
        return;
      }
      sent.on('error', () => undefined);
      sent.resume().end(body);
    });
  }

  drop(): void {
    const current = this.#current;
    this.#current = undefined;
    this.#signing.forget();
    this.#body.detach();
    current?.close(NGHTTP2_CANCEL);
  }

  answer({ status, headers, body }: CompiledAnswer, ending: Ending): void {
    const { stream, exchange, headers: asked } = this.#options;
    exchange.code = status;
    if (!stream.destroyed && !stream.headersSent) {
      const own = headers.flat();
      if (isGrpc(asked)) {
        const said = grpcAnswer({ code: status, headers: own, body: Buffer.from(body) });
        stream.respond({ ...headersOf(said), ':status': 200 }, { endStream: true });
      } else {
        stream.respond({ ...headersOf(own), ':status': status, 'content-length': body.length });
        stream.end(body);
      }
    }
    this.#end(ending);
  }

  breakOff(ending: Ending): void {
    this.drop();
    this.#options.stream.close(NGHTTP2_INTERNAL_ERROR);
    this.#end(ending);
  }

  #open({ target, headers: operations, url, authority }: Try): ClientHttp2Stream {
    const { headers, send } = this.#options;
    const method = headers[':method'] ?? 'GET';
    const path = url ?? headers[':path'] ?? '/';
    const host = authority ?? headers[':authority'] ?? headers.host ?? target.service.host;
    const changed = ['host', host, ...changeHeaders(passedList(headers), ...operations)];
    const { host: _, ...own } = headersOf(this.#signing.headersOf({ method, target: path, headers: changed }));
    return send(target, {
      ...own,
      ':method': method,
      ':path': path,
      ':authority': host,
      ':scheme': 'https',
    });
  }

  #answered(sent: ClientHttp2Stream, headers: IncomingHttpHeaders & IncomingHttpStatusHeader, flags: number): void {
    if (sent !== this.#current) return;
    const { stream, exchange } = this.#options;
    const status = headers[':status'] ?? 0;
    const grpcStatus = headers['grpc-status'];
    if (!this.#call.answered(status, typeof grpcStatus === 'string' ? grpcStatus : undefined)) {
      this.#current = undefined;
      this.#body.detach();
      sent.close(NGHTTP2_CANCEL);
      return;
    }
    this.#body.forget();
    exchange.code = status;
    this.#trailers = headers['grpc-status'] === undefined ? {} : headers;
    const passed = {
      ...headersOf(changeHeaders(passedList(headers), ...this.#call.responseHeaders)),
      ':status': status,
    };
    const kept = this.#call.keep(passedList(headers));
    const isWhole = (flags & END_STREAM) !== 0;
    stream.respond(passed, isWhole ? { endStream: true } : { waitForTrailers: true });
    if (isWhole) return;
    stream.once('wantTrailers', () => stream.sendTrailers(headersOf(passedList(this.#trailers))));
    sent.on('data', (chunk: Buffer) => {
      exchange.bytesReceived += chunk.length;
      kept?.add(chunk);
      if (!stream.write(chunk)) sent.pause();
    });
    stream.on('drain', () => sent.resume());
    sent.once('end', () => stream.end());
  }

  #ended(sent: ClientHttp2Stream, error: Error | undefined): void {
    if (sent !== this.#current) return;
    this.#current = undefined;
    const { stream, headers } = this.#options;
    if (error === undefined && sent.rstCode === 0 && stream.headersSent) {
      this.#call.finished();
      const remark = isGrpc(headers) ? describeStatus(this.#trailers, undefined) : '';
      this.#end(this.#call.ending(remark === '' ? COMPLETE : { ...COMPLETE, reason: remark }));
      return;
    }
    this.#body.detach();
    this.#call.broke(breakageOf(sent, error));
  }

  #closed(): void {
    if (this.#isRecorded) return;
    // The answer is out, and the end of what it was made of is on its way.
    if (this.#options.stream.writableFinished && this.#options.stream.rstCode === 0) return;
    this.#call.abandoned();
    const error = new Error('the caller gave the request up');
    this.#end(failure(this.#options.exchange, error, { byCaller: true, connected: true }));
  }

  #end(ending: Ending): void {
    if (this.#isRecorded) return;
    this.#isRecorded = true;
    const { exchange, recorder, headers, over } = this.#options;
    exchange.bytesSent = this.#body.bytes;
    exchange.userAgent = headers['user-agent'] ?? '';
    recorder.end(exchange, ending);
    over();
  }
}

/** In doubt something was sent, so that nothing is done twice. */
function breakageOf(sent: ClientHttp2Stream, error: Error | undefined): Breakage {
  const reason = error?.message ?? `the stream ended with code ${sent.rstCode ?? 0} of HTTP/2`;
  if (sent.rstCode === NGHTTP2_REFUSED_STREAM) return { end: 'refused', wasSent: true, reason };
  if (sent.id === undefined) return { end: 'connect-failure', wasSent: false, reason };
  return { end: 'reset', wasSent: true, reason };
}
