import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Verdict } from '@rampart/core';
import { continueTrace, ResponseFlag } from '@rampart/mesh';
import type { IdSource, InboundConnection, TraceContext } from '@rampart/mesh';

import { elapsed } from '../clock.ts';
import { bytesReceived, bytesSent } from './body-count.ts';

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
  readonly #wireBytesBefore: number;

  constructor(connection: InboundConnection, request: IncomingMessage, ids: IdSource) {
    const { headers } = request;
    const trace = continueTrace(single(headers['x-request-id']), single(headers['traceparent']), ids);
    this.connection = connection;
    this.request = request;
    this.requestId = trace.requestId;
    this.traceId = trace.traceId;
    this.spanId = trace.spanId;
    this.startedAt = elapsed();
    this.path = request.url ?? '';
    this.authority = headers.host ?? '';
    this.#wireBytesBefore = headers['transfer-encoding'] === undefined ? -1 : connection.socket.bytesRead;
  }

  /** A chunked body's length is known only by what came over the wire for it. */
  get bytesReceived(): number {
    if (this.#wireBytesBefore === -1) return bytesReceived(this.request);
    return Math.max(0, this.connection.socket.bytesRead - this.#wireBytesBefore);
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
