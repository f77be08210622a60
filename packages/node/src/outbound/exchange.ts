import { adoptHeaders, recordable, startSpan } from '@rampart/mesh';
import type { DataPlane, IdSource, TraceContext } from '@rampart/mesh';
import { blankRecord } from '@rampart/wire/record-block';
import type { RecordInput } from '@rampart/wire/record-block';

import { elapsed, unixTime } from '../clock.ts';
import { currentRequest } from '../context.ts';
import type { Target } from './call.ts';
import type { Ending } from './ending.ts';

const MICROS = 1000;

/** One outgoing request from its start to the last byte of its answer. */
export class OutboundExchange implements TraceContext {
  requestId: string;
  traceId: string;
  readonly spanId: string;
  readonly startedAt: number;
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  target: Target | undefined = undefined;
  code = 0;
  bytesSent = 0;
  bytesReceived = 0;
  userAgent = '';

  constructor(call: CallLine, span: TraceContext) {
    this.requestId = span.requestId;
    this.traceId = span.traceId;
    this.spanId = span.spanId;
    this.startedAt = elapsed();
    this.method = call.method;
    this.path = call.path;
    this.authority = call.authority;
  }

  /** What the application put on the request itself; undefined for what it did not. */
  adopt(requestId: string | undefined, traceparent: string | undefined): void {
    if (requestId === undefined && traceparent === undefined) return;
    const trace = adoptHeaders(this, requestId, traceparent);
    this.requestId = trace.requestId;
    this.traceId = trace.traceId;
  }
}

/** What is known of a request when it is made. */
export interface CallLine {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
}

/** Writes the source's access-log record of each request. One record object is filled again and again. */
export class OutboundRecorder {
  readonly #plane: DataPlane;
  readonly #ids: IdSource;
  readonly #record: RecordInput = { ...blankRecord(), reporter: 'source' };

  constructor(plane: DataPlane, ids: IdSource) {
    this.#plane = plane;
    this.#ids = ids;
  }

  /** Called when identity or workload change: what is the same in every record. */
  setSelf(workload: string, principal: string): void {
    this.#record.sourceWorkload = workload;
    this.#record.sourcePrincipal = principal;
  }

  begin(call: CallLine): OutboundExchange {
    return new OutboundExchange(call, startSpan(currentRequest.getStore(), this.#ids));
  }

  end(exchange: OutboundExchange, ending: Ending): void {
    const { target } = exchange;
    const record = this.#record;
    record.startedAt = unixTime(exchange.startedAt);
    record.durationMicros = Math.round((elapsed() - exchange.startedAt) * MICROS);
    record.responseCode = exchange.code;
    record.responseFlags = ending.flag;
    record.reason = ending.reason;
    record.policy = ending.policy;
    // Envoy names both from the proxy's view: received from the caller, sent back to the caller.
    record.bytesReceived = exchange.bytesSent;
    record.bytesSent = exchange.bytesReceived;
    record.policyRevision = this.#plane.view.revision;
    record.destinationService = target?.service.host ?? exchange.authority;
    record.destinationPrincipal = target?.endpoint.identity ?? '';
    record.upstreamHost = target?.endpoint.address ?? '';
    record.tlsVersion = target === undefined ? '' : 'TLSv1.3';
    record.method = exchange.method;
    record.path = recordable(exchange.path);
    record.authority = exchange.authority;
    record.userAgent = exchange.userAgent;
    record.decision = target === undefined ? 'DENY' : 'ALLOW';
    record.requestId = exchange.requestId;
    record.traceId = exchange.traceId;
    record.spanId = exchange.spanId;
    this.#plane.telemetry.record(record);
  }
}
