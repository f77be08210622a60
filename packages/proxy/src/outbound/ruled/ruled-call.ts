import { RampartError } from '@rampart/core';
import type { CompiledAnswer, CompiledHeaders, RoutedRequest } from '@rampart/core';
import { breakageOf, changeHeaders, COMPLETE, failure } from '@rampart/mesh';
import type { CallDriver, Ending, OutboundExchange, RuledService, TrafficCall, Try } from '@rampart/mesh';

import type { Exchange } from '../../http/exchange.ts';
import { UnseenError } from '../../http1/client-connection.ts';
import { MessageHead } from '../../http1/head.ts';
import type { Portion } from '../../http1/message-reader.ts';
import { isIdempotent } from '../../http1/repeatable.ts';
import type { BodySink } from '../../http1/server-exchange.ts';
import type { ByteStream } from '../../stream/byte-stream.ts';
import { endingOfAbandoned } from '../abandoned.ts';
import type { OutboundHttpOptions } from '../outbound-http.ts';
import { MOST_KEPT, RequestBody } from './request-body.ts';
import { prepareToSign } from './signed-request.ts';
import type { SignHead } from './signed-request.ts';
import { RuledTry, UNHEARD } from './ruled-try.ts';
import type { TryListener } from './ruled-try.ts';

const NO_CONTENT = 204;
const BAD_REQUEST = 400;

export interface RuledRequest {
  readonly options: OutboundHttpOptions;
  readonly server: Exchange;
  readonly exchange: OutboundExchange;
  readonly ruled: RuledService;
}

/** One request of an application of this host to a service that rules are about: the rules decide, and this does. */
export class RuledCall implements BodySink, CallDriver, TryListener {
  readonly #options: OutboundHttpOptions;
  readonly #server: Exchange;
  readonly #exchange: OutboundExchange;
  readonly #call: TrafficCall;
  readonly #body = new RequestBody();
  /** Each try is signed anew; undefined where nobody asks for it. */
  readonly #sign: SignHead | undefined;
  #current: RuledTry | undefined;
  #attempt: Try | undefined;
  #copies: Try[] | undefined;
  /** Takes the answer, where it may be given again. */
  #kept: ReturnType<TrafficCall['keep']>;
  #isRecorded = false;
  #mayRepeat = true;

  private constructor({ options, server, exchange, ruled }: RuledRequest, sign: SignHead | undefined) {
    this.#sign = sign;
    this.#options = options;
    this.#server = server;
    this.#exchange = exchange;
    exchange.ruled = ruled.service;
    this.#call = ruled.call(new RequestOfHead(server.head), this);
  }

  static begin(request: RuledRequest): void {
    const { signature } = request.ruled;
    if (signature === undefined) RuledCall.#begin(request, undefined);
    else
      void prepareToSign(request, signature).then((sign) => {
        if (sign !== undefined) RuledCall.#begin(request, sign);
      });
  }

  static #begin(request: RuledRequest, sign: SignHead | undefined): void {
    const call = new RuledCall(request, sign);
    call.#body.add(request.server.takeBody(call));
    call.#call.begin();
  }

  get canBeRepeated(): boolean {
    return this.#body.isKept && !this.#server.isUpgrade;
  }

  send(attempt: Try): void {
    this.#exchange.target = attempt.target;
    this.#attempt = attempt;
    this.#write(false);
  }

  mirror(copy: Try): void {
    (this.#copies ??= []).push(copy);
    if (this.#body.isComplete) this.#sendCopies();
  }

  drop(): void {
    this.#current?.giveUp();
    this.#current = undefined;
  }

  answer({ status, headers, body }: CompiledAnswer, ending: Ending): void {
    this.#exchange.code = status;
    const all = headers.flat();
    if (status !== NO_CONTENT) all.push('content-length', String(body.length));
    this.#server.answer(status, all, body);
    this.#end(ending);
  }

  breakOff(ending: Ending): void {
    this.drop();
    this.#server.breakOff(new Error(ending.reason));
    this.#end(ending);
  }

  requestBody(portion: Portion): boolean {
    this.#body.add(portion);
    if (portion.isLast) this.#sendCopies();
    const { client } = this.#current ?? {};
    return client === undefined ? this.#body.bytes < MOST_KEPT : client.continue(portion);
  }

  abandoned(error: Error): void {
    this.#call.abandoned();
    this.#exchange.code = this.#server.status;
    this.#end(endingOfAbandoned(this.#exchange, error));
  }

  responseRoom(): void {
    this.#current?.client.resume();
  }

  response(of: RuledTry, head: MessageHead, portion: Portion): boolean {
    if (!this.#call.answered(head.status, head.text('grpc-status'))) {
      this.#current = undefined;
      if (portion.isLast) of.ignore();
      else of.giveUp();
      return true;
    }
    this.#body.forget();
    this.#exchange.code = head.status;
    this.#kept = this.#call.keep(head.rawHeaders);
    this.#keep(portion);
    if (this.#options.isDraining()) this.#server.makeLast();
    const hasRoom = this.#server.respond(withHeaders(head, this.#call.responseHeaders), portion);
    if (portion.isLast) this.#complete();
    return hasRoom;
  }

  responseBody(portion: Portion): boolean {
    this.#keep(portion);
    const hasRoom = this.#server.continue(portion);
    if (portion.isLast) this.#complete();
    return hasRoom;
  }

  inform(head: MessageHead): void {
    this.#server.inform(head);
  }

  switched(head: MessageHead, far: ByteStream, rest: Buffer): void {
    if (!this.#call.answered(head.status)) {
      far.reset();
      return;
    }
    this.#exchange.code = head.status;
    const { stream, rest: early, over } = this.#server.switchTo(head);
    if (rest.length > 0) stream.write(rest);
    this.#options.join({ near: stream, head: early, far }, ({ bytesReceived, bytesSent }) => {
      over();
      this.#server.bytesReceived = bytesReceived;
      this.#server.bytesSent = bytesSent;
      this.#complete();
    });
  }

  requestRoom(): void {
    this.#server.resume();
  }

  failed({ client }: RuledTry, error: Error): void {
    this.#current = undefined;
    const mayBeRepeated = error instanceof UnseenError || isIdempotent(this.#server.head.method);
    const isStale = client.wasUsed && !client.hasAnswered && mayBeRepeated;
    if (this.#mayRepeat && isStale && this.canBeRepeated) {
      // The instance closed a connection that was idle: that says nothing of it.
      this.#mayRepeat = false;
      this.#write(true);
      return;
    }
    this.#call.broke(breakageOf(error, client.wasUsed));
  }

  #keep({ body }: Portion): void {
    if (this.#kept !== undefined) for (const part of body) this.#kept.add(part);
  }

  #write(fresh: boolean): void {
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    const server = this.#server;
    let head: MessageHead;
    try {
      head = this.#headOf(attempt);
    } catch (error) {
      this.#refuseUnsignable(error);
      return;
    }
    const portion = this.#body.sent();
    const client = this.#options.pool(attempt.target).take(fresh);
    const current = new RuledTry(client, this);
    this.#current = current;
    if (!client.send({ head, isUpgrade: server.isUpgrade }, portion, current)) server.pause();
    else if (!this.#body.isComplete) server.resume();
  }

  /** A Host that stands for none, of which no signature can be made; applications pass on what they are sent. */
  #refuseUnsignable(cause: unknown): void {
    const why = cause instanceof Error ? cause.message : 'unknown error';
    const text = `this service asks for signed requests, and this one cannot be signed: ${why}`;
    const error = new RampartError('INVALID_ARGUMENT', text);
    this.#call.abandoned();
    const ending = failure(this.#exchange, error, { byCaller: false, connected: false });
    const body = Buffer.from(`${error.code}: ${text}\n`);
    this.answer({ status: BAD_REQUEST, headers: [['content-type', 'text/plain']], body }, ending);
  }

  #headOf(attempt: Try): MessageHead {
    const head = requestHead(this.#server.head, attempt);
    if (this.#sign === undefined) return head;
    const { method, url, rawHeaders } = head;
    return new MessageHead(lineOf(head), this.#sign({ method, target: url, headers: rawHeaders }));
  }

  /** A body that is not kept is not sent twice. */
  #sendCopies(): void {
    const copies = this.#copies;
    this.#copies = undefined;
    if (copies === undefined || !this.#body.isKept || this.#server.isUpgrade) return;
    for (const copy of copies) {
      let head: MessageHead;
      try {
        head = this.#headOf(copy);
      } catch {
        // The request itself is answered with what is wrong.
        continue;
      }
      this.#options.pool(copy.target).take().send({ head, isUpgrade: false }, this.#body.all(), UNHEARD);
    }
  }

  #complete(): void {
    this.#current = undefined;
    this.#call.finished();
    const { remark = '' } = this.#server;
    this.#end(this.#call.ending(remark === '' ? COMPLETE : { ...COMPLETE, reason: remark }));
  }

  #end(ending: Ending): void {
    if (this.#isRecorded) return;
    this.#isRecorded = true;
    const exchange = this.#exchange;
    exchange.bytesSent = this.#server.bytesReceived;
    exchange.bytesReceived = this.#server.bytesSent;
    exchange.userAgent = this.#server.head.text('user-agent') ?? '';
    this.#options.recorder.end(exchange, ending);
  }
}

/** What rules look at in a request; headers are put together where one asks for them. */
class RequestOfHead implements RoutedRequest {
  readonly #head: MessageHead;

  constructor(head: MessageHead) {
    this.#head = head;
  }

  get method(): string {
    return this.#head.method;
  }

  get url(): string {
    return this.#head.url;
  }

  get authority(): string {
    return this.#head.text('host') ?? '';
  }

  get headers(): RoutedRequest['headers'] {
    return this.#head.headers;
  }
}

function requestHead(head: MessageHead, { headers, url, authority }: Try): MessageHead {
  const isChanged = headers.some((operations) => operations !== undefined);
  if (!isChanged && url === undefined && authority === undefined) return head;
  const all = changeHeaders(head.rawHeaders, ...headers, authority === undefined ? undefined : hostOf(authority));
  return new MessageHead({ ...lineOf(head), url: url ?? head.url }, all);
}

function hostOf(authority: string): CompiledHeaders {
  return { remove: [], set: [['host', authority]], add: [] };
}

function withHeaders(head: MessageHead, operations: readonly (CompiledHeaders | undefined)[]): MessageHead {
  if (operations.every((each) => each === undefined)) return head;
  return new MessageHead(lineOf(head), changeHeaders(head.rawHeaders, ...operations));
}

function lineOf({
  method,
  url,
  status,
  reasonPhrase,
  httpVersion,
}: MessageHead): ConstructorParameters<typeof MessageHead>[0] {
  return { method, url, status, reasonPhrase, httpVersion };
}
