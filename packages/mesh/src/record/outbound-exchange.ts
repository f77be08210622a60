import { blankRecord } from '@rampart/wire/record-block';
import type { RecordInput } from '@rampart/wire/record-block';

import type { DataPlane } from '../data-plane.ts';
import { NOWHERE, OUTSIDE } from '../metrics/traffic-metrics.ts';
import type { MetricService } from '../metrics/standard-labels.ts';
import type { Target } from '../outbound/outbound.ts';
import { resolve } from '../outbound/resolve.ts';
import type { MeshService } from '../view/endpoint.ts';
import type { Ending } from './ending.ts';
import { ResponseFlag } from './flags.ts';
import type { Stopwatch } from './stopwatch.ts';
import { recordable } from './target.ts';
import { adoptHeaders } from './trace.ts';
import type { IdSource, TraceContext } from './trace.ts';

const MICROS = 1000;

/** One outgoing request from its start to the last byte of its answer. */
export class OutboundExchange implements TraceContext {
  requestId: string;
  traceId: string;
  readonly spanId: string;
  parentSpanId: string;
  traceFlags: string;
  readonly startedAt: number;
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  protocol = 'HTTP/1.1';
  target: Target | undefined = undefined;
  /** The service that was called, where rules say what becomes of the request. */
  ruled: MeshService | undefined = undefined;
  /** It leads out of the mesh, and nothing forbids that. */
  leaves = false;
  code = 0;
  bytesSent = 0;
  bytesReceived = 0;
  userAgent = '';

  constructor(call: CallLine, { parent, ids, stopwatch }: OutboundSource) {
    // As `startSpan` has it, without an object of its own.
    const before = parent();
    this.requestId = before?.requestId ?? '';
    this.traceId = before?.traceId ?? ids.traceId();
    this.spanId = ids.spanId();
    this.parentSpanId = before?.spanId ?? '';
    this.traceFlags = before?.traceFlags ?? '01';
    this.startedAt = stopwatch.elapsed();
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
    this.parentSpanId = trace.parentSpanId ?? '';
    this.traceFlags = trace.traceFlags ?? '01';
  }
}

/** What is known of a request when it is made. */
export interface CallLine {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  /** "HTTP/2"; that of its source unless given. */
  readonly protocol?: string | undefined;
}

/** What an outgoing exchange is named and timed with. */
export interface OutboundSource {
  readonly ids: IdSource;
  readonly stopwatch: Stopwatch;
  /** The incoming request that a call is made for. */
  parent(): TraceContext | undefined;
  /** "HTTP/2"; HTTP/1.1 unless given. */
  readonly protocol?: string;
}

/** Writes the source's access-log record of each request. One record object is filled again and again. */
export class OutboundRecorder {
  readonly #plane: Pick<DataPlane, 'telemetry' | 'metrics' | 'view'>;
  readonly #source: OutboundSource;
  readonly #record: RecordInput = { ...blankRecord(), reporter: 'source' };

  constructor(plane: Pick<DataPlane, 'telemetry' | 'metrics' | 'view'>, source: OutboundSource) {
    this.#plane = plane;
    this.#source = source;
  }

  /** Called when identity or workload change: what is the same in every record. */
  setSelf(workload: string, principal: string): void {
    this.#record.sourceWorkload = workload;
    this.#record.sourcePrincipal = principal;
  }

  begin(call: CallLine): OutboundExchange {
    const exchange = new OutboundExchange(call, this.#source);
    const spoken = call.protocol ?? this.#source.protocol;
    if (spoken !== undefined) exchange.protocol = spoken;
    return exchange;
  }

  end(exchange: OutboundExchange, ending: Ending): void {
    const { target } = exchange;
    const { stopwatch } = this.#source;
    const record = this.#record;
    record.startedAt = stopwatch.unixTime(exchange.startedAt);
    record.durationMicros = Math.round((stopwatch.elapsed() - exchange.startedAt) * MICROS);
    record.responseCode = exchange.code;
    record.responseFlags = ending.flag;
    record.reason = ending.reason;
    record.policy = ending.policy;
    // Envoy names both from the proxy's view: received from the caller, sent back to the caller.
    record.bytesReceived = exchange.bytesSent;
    record.bytesSent = exchange.bytesReceived;
    record.policyRevision = this.#plane.view.revision;
    record.destinationService = this.#destination(exchange);
    record.destinationPrincipal = target?.endpoint.identity ?? '';
    record.upstreamHost = target?.endpoint.address ?? '';
    record.tlsVersion = target === undefined ? '' : 'TLSv1.3';
    record.protocol = exchange.protocol;
    record.method = exchange.method;
    record.path = recordable(exchange.path);
    record.authority = exchange.authority;
    record.userAgent = exchange.userAgent;
    const { ruled, leaves } = exchange;
    const isSent = target !== undefined || ((leaves || ruled !== undefined) && ending.flag !== ResponseFlag.denied);
    record.decision = isSent ? 'ALLOW' : 'DENY';
    record.requestId = exchange.requestId;
    record.traceId = exchange.traceId;
    record.spanId = exchange.spanId;
    record.parentSpanId = exchange.parentSpanId;
    this.#plane.telemetry.record(record);
    this.#plane.metrics?.outbound(counted(exchange, isSent), record);
  }

  /** The service in full, also where none of its instances could be called. */
  #destination({ target, ruled, leaves, authority }: OutboundExchange): string {
    const service = target?.service ?? ruled;
    if (service !== undefined) return service.host;
    if (leaves) return authority;
    const { view } = this.#plane;
    const called = resolve(hostOf(authority), view, view.namespace);
    return called.kind === 'mesh' ? called.service.host : authority;
  }
}

/** "[::1]:80" is no name of a service, and needs no port taken away. */
function hostOf(authority: string): string {
  return authority.replace(/:\d+$/, '');
}

/** Where a request went, as it is counted. */
function counted({ target, ruled }: OutboundExchange, isSent: boolean): Target | MetricService {
  return target ?? ruled ?? (isSent ? OUTSIDE : NOWHERE);
}
