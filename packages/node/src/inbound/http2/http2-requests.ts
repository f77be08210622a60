import http2 from 'node:http2';
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';

import {
  admit,
  deliver,
  describeStatus,
  Entry,
  InboundExchange,
  isGrpc,
  refusal,
  RequestFacts,
  ResponseFlag,
  textAnswer,
} from '@rampart/mesh';
import type { Answer, InboundConnection } from '@rampart/mesh';

import { currentRequest } from '../../context.ts';
import { countStream } from '../../http2/stream-bytes.ts';
import type { StreamBytes } from '../../http2/stream-bytes.ts';
import type { HandlingOptions } from '../handling-options.ts';
import { hold } from '../hold.ts';
import { unreadRequest } from '../unreadable.ts';
import { Http2Applicant } from './http2-applicant.ts';
import { Http2Message } from './http2-message.ts';
import { replyTo } from './local-reply.ts';

const GONE = 'the caller went away before the request could be judged';

/** A stream of which nobody in the application knows yet. */
export interface OpenedStream {
  readonly connection: InboundConnection;
  readonly session: ServerHttp2Session;
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: string[];
  /** Tells whoever listens. */
  readonly application: () => boolean;
}

interface Visit extends OpenedStream {
  readonly message: Http2Message;
  readonly exchange: InboundExchange;
  readonly bytes: StreamBytes;
  readonly isGrpc: boolean;
}

/** authenticate → authorize → limit → deliver → record, for each request over HTTP/2. */
export class Http2Requests {
  readonly #options: HandlingOptions;

  constructor(options: HandlingOptions) {
    this.#options = options;
  }

  enter(opened: OpenedStream): void {
    const { connection, stream, headers, rawHeaders } = opened;
    const message = new Http2Message(headers, rawHeaders);
    const exchange = new InboundExchange(connection, message, this.#options);
    const visit: Visit = { ...opened, message, exchange, bytes: countStream(stream), isGrpc: isGrpc(headers) };
    stream.on('close', () => this.#record(visit));
    const facts = RequestFacts.read(message, connection);
    const problem = message.ambiguity ?? (facts.ok ? undefined : facts.problem);
    if (!facts.ok || problem !== undefined) {
      const verdict = refusal(problem ?? '');
      this.#answer(visit, textAnswer({ code: 400, body: `Bad Request: ${problem ?? ''}`, verdict }));
      return;
    }
    const applicant = new Http2Applicant({ exchange, facts: facts.value, stream, bytes: visit.bytes });
    const answer = this.#options.preliminaries.pass(applicant);
    if (!(answer instanceof Promise)) {
      this.#decide(visit, answer ?? facts.value);
      return;
    }
    exchange.verdict = refusal(GONE);
    const release = visit.bytes.holdEnd();
    hold({ request: stream, answered: stream, gone: () => undefined }, answer, (given) => {
      this.#decide(visit, given ?? facts.value);
      release();
    });
  }

  /** Puts on record what came and was no request, nor anything else of HTTP/2. */
  unreadable(connection: InboundConnection, reason: string): void {
    const exchange = new InboundExchange(connection, unreadRequest('2'), this.#options);
    exchange.verdict = refusal(reason);
    this.#options.recorder.write(exchange, { code: 0, flag: ResponseFlag.protocolError, bytesSent: 0 });
  }

  #decide(visit: Visit, next: RequestFacts | Answer): void {
    if (!(next instanceof RequestFacts)) {
      this.#answer(visit, next);
      return;
    }
    const { connection, session, exchange, message, application } = visit;
    const entry = admit(this.#options, exchange, next);
    if (!(entry instanceof Entry)) {
      this.#answer(visit, entry);
      return;
    }
    // The session goes on until its streams are done; its caller opens another one for the next request.
    if (this.#options.clock.now() > connection.retireAt || this.#options.draining()) session.close();
    message.settle();
    currentRequest.enterWith(exchange);
    deliver(entry, application, undefined);
  }

  #answer({ exchange, stream, isGrpc: grpc }: Visit, answer: Answer): void {
    exchange.verdict = answer.verdict;
    replyTo(stream, answer, grpc);
  }

  #record({ exchange, stream, bytes, isGrpc: grpc }: Visit): void {
    const { sentHeaders, sentTrailers, rstCode } = stream;
    exchange.bytesReceived = bytes.received;
    const { verdict } = exchange;
    if (grpc && verdict.decision === 'ALLOW' && exchange.flag === undefined) {
      exchange.verdict = { ...verdict, reason: describeStatus(sentTrailers, sentHeaders) };
    }
    const isWhole = rstCode === http2.constants.NGHTTP2_NO_ERROR && !stream.aborted;
    const flag = isWhole ? ResponseFlag.none : ResponseFlag.callerGone;
    this.#options.recorder.write(exchange, {
      // Node's types say that there always are some.
      code: Number((sentHeaders as Partial<typeof sentHeaders> | undefined)?.[':status'] ?? 0),
      flag: verdict.decision === 'DENY' ? ResponseFlag.denied : flag,
      bytesSent: bytes.sent,
    });
  }
}
