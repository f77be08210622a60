import { startSpan } from '@rampart/mesh';
import type { DataPlane, IdSource, TraceContext } from '@rampart/mesh';
import { blankRecord } from '@rampart/wire/record-block';
import type { RecordInput } from '@rampart/wire/record-block';

import { elapsed, unixTime } from '../clock.ts';
import { currentRequest } from '../context.ts';
import type { Target } from './call.ts';
import type { Ending } from './ending.ts';

const MICROS = 1000;

/** One outgoing request from its start to the last byte of its answer. */
export interface OutboundExchange {
  trace: TraceContext;
  readonly startedAt: number;
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  target: Target | undefined;
  code: number;
  bytesSent: number;
  bytesReceived: number;
  userAgent: string;
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

  begin(method: string, path: string, authority: string): OutboundExchange {
    return {
      trace: startSpan(currentRequest.getStore(), this.#ids),
      startedAt: elapsed(),
      method,
      path,
      authority,
      target: undefined,
      code: 0,
      bytesSent: 0,
      bytesReceived: 0,
      userAgent: '',
    };
  }

  end(exchange: OutboundExchange, ending: Ending): void {
    const { target } = exchange;
    const record = this.#record;
    record.startedAt = unixTime(exchange.startedAt);
    record.durationMicros = Math.round((elapsed() - exchange.startedAt) * MICROS);
    record.responseCode = exchange.code;
    record.responseFlags = ending.flag;
    record.reason = ending.reason;
    // Envoy names both from the proxy's view: received from the caller, sent back to the caller.
    record.bytesReceived = exchange.bytesSent;
    record.bytesSent = exchange.bytesReceived;
    record.policyRevision = this.#plane.view.revision;
    record.destinationService = target?.service.host ?? exchange.authority;
    record.destinationPrincipal = target?.endpoint.identity ?? '';
    record.upstreamHost = target?.endpoint.address ?? '';
    record.tlsVersion = target === undefined ? '' : 'TLSv1.3';
    record.method = exchange.method;
    record.path = exchange.path;
    record.authority = exchange.authority;
    record.userAgent = exchange.userAgent;
    record.decision = target === undefined ? 'DENY' : 'ALLOW';
    record.requestId = exchange.trace.requestId;
    record.traceId = exchange.trace.traceId;
    record.spanId = exchange.trace.spanId;
    this.#plane.telemetry.record(record);
  }
}
