import type { Verdict } from '@rampart/core';

import type { ResponseFlag } from '../../record/flags.ts';
import type { Stopwatch } from '../../record/stopwatch.ts';
import { parentOf, sentRequestId } from '../../record/trace.ts';
import type { IdSource, TraceContext } from '../../record/trace.ts';
import type { InboundConnection } from '../connection.ts';
import { refusal } from '../refused.ts';
import { setMeshHeaders } from './forwarded-client-cert.ts';
import { headerText } from './headers.ts';
import type { RequestMessage } from './message.ts';

/** What an exchange is named and timed with. */
export interface ExchangeSource {
  readonly ids: IdSource;
  readonly stopwatch: Stopwatch;
}

/** Until policy has spoken nothing is allowed. */
const UNDECIDED: Verdict = refusal('not decided yet');

/**
 * One incoming request from its first line to its last byte. Holds what is asked of it and not its message: timers and
 * writes of the connection keep the context of its last request alive, and with it everything that hangs on it.
 */
export class InboundExchange implements TraceContext {
  readonly connection: InboundConnection;
  readonly requestId: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly traceFlags: string;
  readonly startedAt: number;
  /** Path and query as received, before normalisation; tokens are taken out of it. */
  path: string;
  readonly authority: string;
  readonly method: string;
  /** "1.1" */
  readonly httpVersion: string;
  readonly forwardedFor: string;
  readonly userAgent: string;
  bytesReceived = 0;
  verdict: Verdict = UNDECIDED;
  /** "iss/sub" of a verified token; "" when there is none. */
  jwtPrincipal = '';
  /** Why the mesh answered itself, where that is no denial. */
  flag: ResponseFlag | undefined = undefined;
  #over: (() => void) | undefined;

  constructor(connection: InboundConnection, request: RequestMessage, { ids, stopwatch }: ExchangeSource) {
    const requestId = headerText(request, 'x-request-id');
    this.connection = connection;
    this.requestId = sentRequestId(requestId);
    const parent = parentOf(headerText(request, 'traceparent'));
    this.traceId = parent?.traceId ?? ids.traceId();
    this.parentSpanId = parent?.spanId ?? '';
    this.traceFlags = parent?.traceFlags ?? '01';
    this.spanId = ids.spanId();
    this.startedAt = stopwatch.elapsed();
    // Applications log the request id; the caller need not have sent it, because the trace id says the same.
    setMeshHeaders(request, {
      requestId: requestId === undefined ? this.traceId : '',
      clientCert: connection.forwardedClientCert,
    });
    this.path = request.url ?? '';
    this.authority = headerText(request, 'host') ?? '';
    this.method = request.method ?? '';
    this.httpVersion = request.httpVersion;
    this.forwardedFor = headerText(request, 'x-forwarded-for') ?? connection.attributes.clientIp ?? '';
    this.userAgent = headerText(request, 'user-agent') ?? '';
  }

  /** Calls back when the exchange is over and on record. */
  onOver(callback: () => void): void {
    const before = this.#over;
    this.#over = () => {
      before?.();
      callback();
    };
  }

  /** The exchange is on record. */
  end(): void {
    const over = this.#over;
    this.#over = undefined;
    over?.();
  }
}
