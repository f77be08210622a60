import { standing } from '@rampart/core';
import type { Verdict } from '@rampart/core';
import { blankRecord } from '@rampart/wire/record-block';
import type { RecordInput } from '@rampart/wire/record-block';

import type { InboundConnection } from '../inbound/connection.ts';
import { NOWHERE, OUTSIDE } from '../metrics/traffic-metrics.ts';
import type { TrafficMetrics } from '../metrics/traffic-metrics.ts';
import type { Target } from '../outbound/outbound.ts';
import type { TelemetryReporter } from '../telemetry/reporter.ts';
import type { MeshView } from '../view/mesh-view.ts';
import type { Ending } from './ending.ts';
import { triedOut } from './inbound-recorder.ts';
import type { Stopwatch } from './stopwatch.ts';
import type { TraceContext } from './trace.ts';

const MICROS = 1000;
const TCP = 'TCP';

interface Sink {
  readonly telemetry: Pick<TelemetryReporter, 'record'>;
  readonly metrics?: TrafficMetrics | undefined;
}

interface SourceSink extends Sink {
  readonly view: Pick<MeshView, 'revision'>;
}

/** A connection without HTTP from its start to its end, as either end has seen it. */
export interface TcpPassage {
  readonly trace: TraceContext;
  /** Reading of the stopwatch. */
  readonly startedAt: number;
  /** Bytes that came from the caller. */
  readonly bytesReceived: number;
  /** Bytes that went to the caller. */
  readonly bytesSent: number;
  readonly ending: Ending;
}

/** A connection that came in. */
export interface InboundPassage extends TcpPassage {
  readonly connection: InboundConnection;
  readonly verdict: Verdict;
}

/** A connection that went out. */
export interface OutboundPassage extends TcpPassage {
  /** "host:port" as the application asked for it. */
  readonly authority: string;
  /** Undefined where it did not lead to an instance of the mesh. */
  readonly target: Target | undefined;
  /** The service that was asked for, where none of its instances could be had. */
  readonly service?: Target['service'] | undefined;
  /** It led out of the mesh, and something was asked to take it there. */
  readonly leaves: boolean;
  /** "ip:port" that was connected to; "" where nothing was. */
  readonly upstreamHost: string;
  readonly decision: Verdict['decision'];
}

/** Writes the destination's record of each connection without HTTP. One record object is filled again and again. */
export class InboundTcpRecorder {
  readonly #plane: Sink;
  readonly #stopwatch: Stopwatch;
  readonly #record: RecordInput = { ...blankRecord(), reporter: 'destination', protocol: TCP };

  constructor(plane: Sink, stopwatch: Stopwatch) {
    this.#plane = plane;
    this.#stopwatch = stopwatch;
  }

  /** Called when identity or workload change: what is the same in every record. */
  setSelf(service: string, principal: string): void {
    this.#record.destinationService = service;
    this.#record.destinationPrincipal = principal;
  }

  /** A connection begins; `write` tells its end. */
  opened(connection: InboundConnection): void {
    this.#plane.metrics?.inboundOpened(connection);
  }

  write(passage: InboundPassage): void {
    const { connection, verdict, ending } = passage;
    const record = this.#record;
    fill(record, passage, this.#stopwatch);
    record.policyRevision = connection.policyRevision;
    record.sourcePrincipal = connection.sourcePrincipal;
    record.sourceWorkload = connection.sourceWorkload;
    record.upstreamHost = connection.localAddress;
    record.forwardedFor = connection.attributes.clientIp ?? '';
    record.decision = verdict.decision;
    record.policy = verdict.policy;
    record.reason = ending.reason === '' ? verdict.reason : ending.reason;
    record.auditPolicies = verdict.audit.join(',');
    record.dryRunDecision = standing(verdict, connection.workload).dryRunDecision;
    record.dryRunPolicies = triedOut(verdict.dryRun);
    record.tlsVersion = connection.tlsVersion;
    this.#plane.telemetry.record(record);
    this.#plane.metrics?.inboundClosed(connection, record);
  }
}

/** Writes the source's record of each connection without HTTP. One record object is filled again and again. */
export class OutboundTcpRecorder {
  readonly #plane: SourceSink;
  readonly #stopwatch: Stopwatch;
  readonly #record: RecordInput = { ...blankRecord(), reporter: 'source', protocol: TCP };

  constructor(plane: SourceSink, stopwatch: Stopwatch) {
    this.#plane = plane;
    this.#stopwatch = stopwatch;
  }

  /** Called when identity or workload change: what is the same in every record. */
  setSelf(workload: string, principal: string): void {
    this.#record.sourceWorkload = workload;
    this.#record.sourcePrincipal = principal;
  }

  /** A connection begins; `write` tells its end. */
  opened(target: Target | undefined, leaves: boolean): void {
    this.#plane.metrics?.outboundOpened(target ?? (leaves ? OUTSIDE : NOWHERE));
  }

  write(passage: OutboundPassage): void {
    const { target, authority, ending } = passage;
    const record = this.#record;
    fill(record, passage, this.#stopwatch);
    record.policyRevision = this.#plane.view.revision;
    record.destinationService = (target?.service ?? passage.service)?.host ?? authority;
    record.destinationPrincipal = target?.endpoint.identity ?? '';
    record.upstreamHost = passage.upstreamHost;
    record.authority = authority;
    record.decision = passage.decision;
    record.policy = ending.policy;
    record.reason = ending.reason;
    record.tlsVersion = target === undefined ? '' : 'TLSv1.3';
    this.#plane.telemetry.record(record);
    this.#plane.metrics?.outboundClosed(target ?? (passage.leaves ? OUTSIDE : NOWHERE), record);
  }
}

function fill(
  record: RecordInput,
  { trace, startedAt, bytesReceived, bytesSent, ending }: TcpPassage,
  stopwatch: Stopwatch,
): void {
  record.startedAt = stopwatch.unixTime(startedAt);
  record.durationMicros = Math.round((stopwatch.elapsed() - startedAt) * MICROS);
  record.bytesReceived = bytesReceived;
  record.bytesSent = bytesSent;
  record.responseFlags = ending.flag;
  record.requestId = trace.requestId;
  record.traceId = trace.traceId;
  record.spanId = trace.spanId;
  record.parentSpanId = trace.parentSpanId ?? '';
}
