import type { Verdict } from '@rampart/core';

import type { ResponseFlag } from '../../record/flags.ts';
import type { Stopwatch } from '../../record/stopwatch.ts';
import { parentOf, sentRequestId } from '../../record/trace.ts';
import type { IdSource, TraceContext } from '../../record/trace.ts';
import type { InboundConnection } from '../connection.ts';
import { refusal } from '../refused.ts';
import { setMeshHeaders } from './forwarded-client-cert.ts';
import { joinedText } from './headers.ts';
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
    const { requestId, traceparent, host, forwardedFor, userAgent } = told(request);
    this.connection = connection;
    this.requestId = sentRequestId(requestId);
    const parent = parentOf(traceparent);
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
    this.authority = host ?? '';
    this.method = request.method ?? '';
    this.httpVersion = request.httpVersion;
    this.forwardedFor = forwardedFor ?? connection.attributes.clientIp ?? '';
    this.userAgent = userAgent ?? '';
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

/** What a request says of itself, as far as its record tells it. */
interface Told {
  readonly requestId: string | undefined;
  readonly traceparent: string | undefined;
  readonly host: string | undefined;
  readonly forwardedFor: string | undefined;
  readonly userAgent: string | undefined;
}

/** Each header by its own name: one look-up for all names would be slow for each of them. */
function told(request: RequestMessage): Told {
  const { access } = request;
  if (access !== undefined) {
    return {
      requestId: access.text('x-request-id'),
      traceparent: access.text('traceparent'),
      host: access.text('host'),
      forwardedFor: access.text('x-forwarded-for'),
      userAgent: access.text('user-agent'),
    };
  }
  const { headers } = request;
  return {
    requestId: joinedText(headers['x-request-id']),
    traceparent: joinedText(headers['traceparent']),
    host: headers.host,
    forwardedFor: joinedText(headers['x-forwarded-for']),
    userAgent: headers['user-agent'],
  };
}
