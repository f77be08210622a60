import type { Verdict } from '@rampart/core';
import {
  admit,
  announcesBody,
  deliver,
  Entry,
  formatTraceparent,
  InboundExchange,
  refusal,
  RequestFacts,
  ResponseFlag,
  textAnswer,
} from '@rampart/mesh';
import type { Answer, Applicant, HeaderChange, InboundConnection } from '@rampart/mesh';

import { GivenUpError } from '../http/given-up.ts';
import type { Exchange } from '../http/exchange.ts';
import type { UpstreamCall } from '../http/upstream.ts';
import { BadAnswerError } from '../http1/client-connection.ts';
import type { ResponseSink } from '../http1/client-connection.ts';
import type { MessageHead } from '../http1/head.ts';
import type { Portion } from '../http1/message-reader.ts';
import { isRepeatable } from '../http1/repeatable.ts';
import type { BodySink } from '../http1/server-exchange.ts';
import type { ByteStream } from '../stream/byte-stream.ts';
import { changeAnswer } from './answer-changes.ts';
import type { InboundHttpOptions } from './inbound-http.ts';
import { withoutForgery } from './request-trailers.ts';

const GONE = 'the caller went away before the request could be judged';
const LATE = 'the rest of the request, by which it was to be judged, did not come in time';
const OVERLOADED = 'the application has as many requests as it is given at a time';
const BAD_GATEWAY = 502;
const SERVICE_UNAVAILABLE = 503;

interface Begun {
  readonly exchange: InboundExchange;
  readonly facts: RequestFacts;
}

/** One request to the application behind this sidecar: authenticate → authorize → limit → deliver → record. */
export class InboundCall implements Applicant, BodySink, ResponseSink {
  readonly exchange: InboundExchange;
  readonly facts: RequestFacts;
  readonly #options: InboundHttpOptions;
  readonly #server: Exchange;
  #client: UpstreamCall | undefined;
  #changes: readonly HeaderChange[] = [];
  #isRecorded = false;
  /** Once: a connection that the application had closed meanwhile is no reason to fail. */
  #mayRetry = true;

  private constructor(options: InboundHttpOptions, server: Exchange, begun: Begun) {
    this.#options = options;
    this.#server = server;
    this.exchange = begun.exchange;
    this.facts = begun.facts;
  }

  /** Judges a request, and sends it on or answers it. */
  static begin(options: InboundHttpOptions, connection: InboundConnection, server: Exchange): void {
    const exchange = new InboundExchange(connection, server.head, options);
    if (!options.load.enter()) {
      exchange.verdict = refusal(OVERLOADED);
      answerText(server, SERVICE_UNAVAILABLE, OVERLOADED);
      const { bytesSent, status: code } = server;
      options.recorder.write(exchange, { code, flag: ResponseFlag.overloaded, bytesSent });
      return;
    }
    const facts = RequestFacts.read(server.head, connection);
    if (!facts.ok) {
      exchange.verdict = refusal(facts.problem);
      answerWith(server, textAnswer({ code: 400, body: `Bad Request: ${facts.problem}`, verdict: exchange.verdict }));
      options.load.leave();
      const { bytesSent, status: code } = server;
      options.recorder.write(exchange, { code, flag: ResponseFlag.denied, bytesSent });
      return;
    }
    const call = new InboundCall(options, server, { exchange, facts: facts.value });
    const answer = options.preliminaries.pass(call);
    if (answer instanceof Promise) call.#await(answer);
    else call.#decide(answer);
  }

  get isUpgrade(): boolean {
    return this.#server.isUpgrade;
  }

  get hasBody(): boolean {
    const { head, isRead, bytesReceived } = this.#server;
    return head.httpVersion === '2' ? !isRead || bytesReceived > 0 : announcesBody(head.headers);
  }

  onGone(callback: () => void): () => void {
    return this.#server.onGone(callback);
  }

  peekBody(limit: number, signal: AbortSignal): ReturnType<Applicant['peekBody']> {
    this.#server.invite();
    return this.#server.peek(limit, signal);
  }

  changeResponse(changes: readonly HeaderChange[]): void {
    this.#changes = changes;
  }

  requestBody(portion: Portion): boolean {
    return this.#client?.continue(withoutForgery(portion, this.#server.head)) ?? true;
  }

  abandoned(error: Error): void {
    this.#client?.abandon();
    const flag = error instanceof GivenUpError ? error.flag : ResponseFlag.callerGone;
    this.#record(this.#server.status, flag, error.message);
  }

  responseRoom(): void {
    this.#client?.resume();
  }

  response(head: MessageHead, portion: Portion): boolean {
    if (this.#changes.length > 0) changeAnswer(head, this.#changes);
    this.#retire();
    const hasRoom = this.#server.respond(head, portion);
    if (portion.isLast) this.#record(head.status, ResponseFlag.none);
    return hasRoom;
  }

  responseBody(portion: Portion): boolean {
    const hasRoom = this.#server.continue(portion);
    if (portion.isLast) this.#record(this.#server.status, ResponseFlag.none);
    return hasRoom;
  }

  inform(head: MessageHead): void {
    this.#server.inform(head);
  }

  switched(head: MessageHead, application: ByteStream, rest: Buffer): void {
    const { stream, rest: head0, over } = this.#server.switchTo(head);
    if (rest.length > 0) stream.write(rest);
    this.#options.join({ near: stream, head: head0, far: application }, ({ bytesReceived, bytesSent, ending }) => {
      over();
      this.exchange.bytesReceived = bytesReceived;
      this.#server.bytesSent = bytesSent;
      this.#record(head.status, ending.flag, ending.reason);
    });
  }

  requestRoom(): void {
    this.#server.resume();
  }

  failed(error: Error): void {
    const client = this.#client;
    this.#client = undefined;
    if (this.#server.hasBegunAnswer) {
      this.#server.breakOff(error);
      this.#record(this.#server.status, breakage(error).flag, error.message);
      return;
    }
    const isUnanswered = client?.wasUsed === true && !client.hasAnswered && !(error instanceof BadAnswerError);
    if (this.#mayRetry && isUnanswered && isRepeatable(this.#server)) {
      this.#mayRetry = false;
      this.#send(true);
      return;
    }
    const { flag, status, text } = breakage(error);
    answerText(this.#server, status, text);
    this.#record(this.#server.status, flag, error.message);
  }

  #await(answer: Promise<Answer | undefined>): void {
    const stop = this.onGone(() => {
      const { status } = this.#server;
      this.exchange.verdict = refusal(status === 0 ? GONE : LATE);
      this.#record(status, status === 0 ? ResponseFlag.callerGone : ResponseFlag.idle);
    });
    const go = (value: Answer | undefined): void => {
      stop();
      if (!this.#server.isOver) this.#decide(value);
    };
    answer.then(go, (error: unknown) => {
      const verdict = refusal(
        `the request could not be judged: ${error instanceof Error ? error.message : 'unknown error'}`,
      );
      go(textAnswer({ code: SERVICE_UNAVAILABLE, body: 'Service Unavailable', verdict }));
    });
  }

  #decide(answer: Answer | undefined): void {
    if (answer !== undefined) return this.#refuse(answer);
    const entry = admit(this.#options, this.exchange, this.facts);
    return entry instanceof Entry ? deliver(entry, () => this.#send(false), undefined) : this.#refuse(entry);
  }

  #refuse(answer: Answer): void {
    this.exchange.verdict = answer.verdict;
    answerWith(this.#server, answer);
    this.#record(this.#server.status, ResponseFlag.denied);
  }

  #send(fresh: boolean): void {
    const server = this.#server;
    if (!fresh) this.#sign(server.head);
    const client = this.#options.application(this.exchange.connection).take(fresh);
    this.#client = client;
    if (!client.send(server, withoutForgery(server.takeBody(this), server.head), this)) server.pause();
  }

  /** What the application is told of the trace; calls that it makes with these headers are part of it. */
  #sign(head: MessageHead): void {
    head.replace('traceparent', formatTraceparent(this.exchange));
    // It belongs to a trace that could not be read (W3C Trace Context §3.3).
    if (this.exchange.parentSpanId === '') head.remove('tracestate');
    // HTTP/1.0 and HTTP/2 know requests without one, HTTP/1.1, in which they go on, does not (RFC 9112 §3.2).
    if (head.httpVersion !== '1.1' && !head.has('host')) head.add('host', this.exchange.connection.localAddress);
  }

  /** A caller whose certificate is near its end is asked to come back on a new connection, with its next one. */
  #retire(): void {
    if (this.#options.isDraining() || this.#options.clock.now() > this.exchange.connection.retireAt)
      this.#server.makeLast();
  }

  #record(code: number, flag: string, reason = ''): void {
    if (this.#isRecorded) return;
    this.#isRecorded = true;
    this.#options.load.leave();
    const { exchange } = this;
    if (this.#server.bytesReceived > 0) exchange.bytesReceived = this.#server.bytesReceived;
    const said = reason === '' ? (this.#server.remark ?? '') : reason;
    if (said !== '') exchange.verdict = explained(exchange.verdict, this.facts, said);
    this.#options.recorder.write(exchange, { code, flag, bytesSent: this.#server.bytesSent });
  }
}

function answerText(server: Exchange, status: number, text: string): void {
  const body = Buffer.from(`${text}\n`);
  server.answer(status, ['content-type', 'text/plain', 'content-length', String(body.length)], body);
}

function answerWith(server: Exchange, { code, headers, body }: Answer): void {
  server.answer(code, headers, typeof body === 'string' ? Buffer.from(body) : body);
}

/** What became of a request says more than which policy let it pass; why it was not let pass, and that nobody could be asked, stays. */
function explained(verdict: Verdict, { approval }: RequestFacts, reason: string): Verdict {
  if (verdict.decision === 'DENY' && verdict.reason !== '') return verdict;
  const doubt = approval === undefined || approval.failedOpen === '' ? '' : `${approval.failedOpen}; `;
  return { ...verdict, reason: `${doubt}${reason}` };
}

interface Breakage {
  readonly flag: ResponseFlag;
  readonly status: number;
  readonly text: string;
}

/** Why there is no answer of the application, as its caller and the record are told. */
function breakage(error: Error): Breakage {
  if (error instanceof BadAnswerError)
    return {
      flag: ResponseFlag.upstreamProtocolError,
      status: BAD_GATEWAY,
      text: 'the answer of the application is not HTTP as it should be',
    };
  if ('syscall' in error && error.syscall === 'connect')
    return {
      flag: ResponseFlag.connectFailed,
      status: SERVICE_UNAVAILABLE,
      text: 'the application does not answer',
    };
  return { flag: ResponseFlag.upstreamReset, status: SERVICE_UNAVAILABLE, text: 'the application broke off' };
}
