import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Verdict } from '@rampart/core';
import { continueTrace, requestIdOf, ResponseFlag } from '@rampart/mesh';
import type { IdSource, InboundConnection, TraceContext } from '@rampart/mesh';

import { elapsed } from '../clock.ts';
import { countBody } from '../body-bytes.ts';
import { bytesSent } from '../body-count.ts';

/** One incoming request from its first line to its last byte. */
export class InboundExchange implements TraceContext {
  readonly connection: InboundConnection;
  readonly request: IncomingMessage;
  readonly requestId: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly startedAt: number;
  /** Path and query as received, before normalisation. */
  readonly path: string;
  readonly authority: string;
  bytesReceived = 0;

  constructor(connection: InboundConnection, request: IncomingMessage, ids: IdSource) {
    const { headers } = request;
    const trace = continueTrace(single(headers['x-request-id']), single(headers['traceparent']), ids);
    this.connection = connection;
    this.request = request;
    this.requestId = trace.requestId;
    this.traceId = trace.traceId;
    this.spanId = trace.spanId;
    this.startedAt = elapsed();
    if (headers['x-request-id'] === undefined) nameRequest(request, requestIdOf(this));
    this.path = request.url ?? '';
    this.authority = headers.host ?? '';
    if (headers['transfer-encoding'] === undefined && headers['content-length'] === undefined) return;
    countBody(request, (bytes) => (this.bytesReceived += bytes));
  }

  bytesSent(response: ServerResponse): number {
    return this.request.method === 'HEAD' ? 0 : bytesSent(response);
  }

  flag(response: ServerResponse, verdict: Verdict): ResponseFlag {
    if (verdict.decision === 'DENY') return ResponseFlag.denied;
    return response.writableFinished ? ResponseFlag.none : ResponseFlag.callerGone;
  }
}

function single(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}

/** Applications log this header; the caller may not have sent it, because the trace id says the same. */
function nameRequest(request: IncomingMessage, requestId: string): void {
  request.headers['x-request-id'] = requestId;
  request.rawHeaders.push('X-Request-Id', requestId);
}
