import type http from 'node:http';
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';

import type { CompiledAnswer, CompiledHeaders } from '@rampart/core';
import { breakageOf, changeHeaders, COMPLETE, failure } from '@rampart/mesh';
import type {
  CallDriver,
  Ending,
  OutboundExchange,
  OutboundRecorder,
  RuledService,
  Target,
  TrafficCall,
  Try,
} from '@rampart/mesh';

import { passedHeaders } from './passed-headers.ts';
import { isRepeatable } from './repeatable.ts';
import { RequestBody } from './request-body.ts';
import { asUnsignable, Signing } from './signing.ts';
import type { Unsignable } from './signing.ts';

const BODILESS: ReadonlySet<number> = new Set([204, 304]);

export interface RuledRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly exchange: OutboundExchange;
  readonly ruled: RuledService;
  readonly recorder: OutboundRecorder;
  /** Opens a request to an instance, on a pooled connection. */
  send(target: Target, options: http.RequestOptions): ClientRequest;
}

/** One request of this process to a service that rules are about: the rules decide, and this does. */
export class RuledCall implements CallDriver {
  readonly #options: RuledRequest;
  readonly #call: TrafficCall;
  readonly #body: RequestBody;
  readonly #headers: readonly string[];
  readonly #signing: Signing;
  #current: ClientRequest | undefined;
  #isRecorded = false;
  #mayRepeat = true;

  private constructor(options: RuledRequest) {
    this.#options = options;
    const { request, response, exchange, ruled } = options;
    exchange.ruled = ruled.service;
    this.#headers = passedHeaders(request.rawHeaders);
    this.#body = new RequestBody(request, ruled.signature?.maxBodyBytes);
    this.#signing = new Signing(ruled.signature, this.#body);
    const { method = 'GET', url = '/', headers } = request;
    this.#call = ruled.call({ method, url, authority: headers.host ?? '', headers }, this);
    response.once('close', () => this.#closed());
  }

  static begin(options: RuledRequest): void {
    new RuledCall(options).#call.begin();
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
    let sent: ClientRequest;
    try {
      sent = this.#open(attempt);
    } catch (error) {
      const unsignable = asUnsignable(error);
      if (unsignable !== undefined) this.#refuse(unsignable);
      // Without an identity nothing can be opened.
      else queueMicrotask(() => this.#call.broke(breakageOf(error, false)));
      return;
    }
    this.#current = sent;
    sent.once('response', (answer) => this.#answered(sent, answer));
    sent.on('error', (error) => {
      if (!this.#isStale(sent)) this.#broke(sent, error);
      else {
        this.#mayRepeat = false;
        this.#sendNow(attempt);
      }
    });
    this.#body.sendTo(sent);
  }

  mirror(copy: Try): void {
    this.#body.whenWhole((body) => {
      let sent: ClientRequest;
      try {
        sent = this.#open(copy);
      } catch {
        // What keeps it from being sent keeps the request itself, which is answered with it.
        return;
      }
      sent.on('error', () => undefined);
      sent.on('response', (answer) => answer.resume());
      sent.end(body);
    });
  }

  drop(): void {
    const current = this.#current;
    this.#current = undefined;
    this.#signing.forget();
    this.#body.detach();
    current?.destroy();
  }

  answer({ status, headers, body }: CompiledAnswer, ending: Ending): void {
    this.#options.exchange.code = status;
    const { response } = this.#options;
    const own = headers.flat();
    if (!BODILESS.has(status)) own.push('content-length', String(body.length));
    response.writeHead(status, own);
    response.end(body);
    this.#end(ending);
  }

  breakOff(ending: Ending): void {
    this.drop();
    this.#options.response.destroy();
    this.#end(ending);
  }

  #open({ target, headers, url, authority }: Try): ClientRequest {
    const { request } = this.#options;
    const host: CompiledHeaders | undefined =
      authority === undefined ? undefined : { remove: [], set: [['host', authority]], add: [] };
    const { method = 'GET', url: asked = '/' } = request;
    const path = url ?? asked;
    const sent = changeHeaders(this.#headers, ...headers, host);
    return this.#options.send(target, {
      method,
      path,
      headers: this.#signing.headersOf({ method, target: path, headers: sent }),
    });
  }

  #answered(sent: ClientRequest, answer: IncomingMessage): void {
    if (sent !== this.#current) {
      answer.resume();
      return;
    }
    const { statusCode = 0, statusMessage = '', rawHeaders, headers } = answer;
    const grpcStatus = headers['grpc-status'];
    if (!this.#call.answered(statusCode, typeof grpcStatus === 'string' ? grpcStatus : undefined)) {
      this.#current = undefined;
      this.#body.detach();
      answer.resume();
      return;
    }
    this.#body.forget();
    this.#options.exchange.code = statusCode;
    const kept = this.#call.keep(rawHeaders);
    const { response, exchange } = this.#options;
    response.writeHead(
      statusCode,
      statusMessage,
      changeHeaders(passedHeaders(rawHeaders), ...this.#call.responseHeaders),
    );
    response.flushHeaders();
    answer.on('data', (chunk: Buffer) => {
      exchange.bytesReceived += chunk.length;
      kept?.add(chunk);
      if (!response.write(chunk)) answer.pause();
    });
    response.on('drain', () => answer.resume());
    answer.on('end', () => this.#complete(answer));
    answer.on('error', (error) => this.#broke(sent, error));
  }

  /** The instance closed a connection that was idle: that says nothing of it. */
  #isStale(sent: ClientRequest): boolean {
    const isUnanswered = sent === this.#current && sent.reusedSocket && !this.#options.response.headersSent;
    return isUnanswered && this.#mayRepeat && this.canBeRepeated && isRepeatable(sent.method);
  }

  #complete(answer: IncomingMessage): void {
    if (!answer.complete) return;
    const { response } = this.#options;
    if (answer.rawTrailers.length > 0) response.addTrailers(pairs(answer.rawTrailers));
    response.end();
    this.#call.finished();
    this.#end(this.#call.ending(COMPLETE));
  }

  #broke(sent: ClientRequest, error: Error): void {
    if (sent !== this.#current) return;
    this.#current = undefined;
    this.#body.detach();
    this.#call.broke(breakageOf(error, sent.reusedSocket));
  }

  #closed(): void {
    if (this.#isRecorded) return;
    this.#call.abandoned();
    const error = new Error('the caller went away');
    this.#end(failure(this.#options.exchange, error, { byCaller: true, connected: true }));
  }

  #end(ending: Ending): void {
    if (this.#isRecorded) return;
    this.#isRecorded = true;
    const { exchange, recorder, request } = this.#options;
    exchange.bytesSent = this.#body.bytes;
    exchange.userAgent = request.headers['user-agent'] ?? '';
    recorder.end(exchange, ending);
  }
}

function pairs(raw: readonly string[]): [string, string][] {
  const list: [string, string][] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) list.push([raw[index] ?? '', raw[index + 1] ?? '']);
  return list;
}
