import { standing } from '@rampart/core';
import type { DryRunVerdict } from '@rampart/core';
import { blankRecord } from '@rampart/wire/record-block';
import type { RecordInput } from '@rampart/wire/record-block';

import type { DataPlane } from '../data-plane.ts';
import type { InboundExchange } from '../inbound/request/exchange.ts';
import type { Stopwatch } from './stopwatch.ts';
import { recordable } from './target.ts';

const MICROS = 1000;

/** How the response ended. */
export interface Outcome {
  readonly code: number;
  readonly flag: string;
  readonly bytesSent: number;
}

/** Where records go, and where they are counted. */
export type RecordSink = Pick<DataPlane, 'telemetry' | 'metrics'>;

/** Writes the destination's access-log record of each request. One record object is filled again and again. */
export class InboundRecorder {
  readonly #plane: RecordSink;
  readonly #stopwatch: Stopwatch;
  readonly #record: RecordInput = { ...blankRecord(), reporter: 'destination' };

  constructor(plane: RecordSink, stopwatch: Stopwatch) {
    this.#plane = plane;
    this.#stopwatch = stopwatch;
  }

  /** Called once when identity or workload change: what is the same in every record. */
  setSelf(service: string, principal: string): void {
    this.#record.destinationService = service;
    this.#record.destinationPrincipal = principal;
  }

  write(exchange: InboundExchange, outcome: Outcome): void {
    const { connection, verdict } = exchange;
    const record = this.#record;
    record.startedAt = this.#stopwatch.unixTime(exchange.startedAt);
    record.durationMicros = Math.round((this.#stopwatch.elapsed() - exchange.startedAt) * MICROS);
    record.responseCode = outcome.code;
    record.bytesReceived = exchange.bytesReceived;
    record.bytesSent = outcome.bytesSent;
    record.policyRevision = connection.policyRevision;
    record.sourcePrincipal = connection.sourcePrincipal;
    record.sourceWorkload = connection.sourceWorkload;
    record.method = exchange.method;
    record.path = recordable(exchange.path);
    record.responseFlags = exchange.flag ?? outcome.flag;
    record.authority = exchange.authority;
    record.upstreamHost = connection.localAddress;
    record.forwardedFor = exchange.forwardedFor;
    record.userAgent = exchange.userAgent;
    record.jwtPrincipal = exchange.jwtPrincipal;
    record.decision = verdict.decision;
    record.policy = verdict.policy;
    record.reason = verdict.reason;
    record.auditPolicies = verdict.audit.length === 0 ? '' : verdict.audit.join(',');
    record.dryRunDecision = standing(verdict, connection.workload).dryRunDecision;
    record.dryRunPolicies = verdict.dryRun.length === 0 ? '' : triedOut(verdict.dryRun);
    record.protocol = exchange.httpVersion === '1.1' ? 'HTTP/1.1' : `HTTP/${exchange.httpVersion}`;
    record.tlsVersion = connection.tlsVersion;
    record.requestId = exchange.requestId;
    record.traceId = exchange.traceId;
    record.spanId = exchange.spanId;
    record.parentSpanId = exchange.parentSpanId;
    this.#plane.telemetry.record(record);
    this.#plane.metrics?.inbound(connection, record);
    exchange.end();
  }
}

/** "shop/lock-down=DENY", joined with ",". */
export function triedOut(verdicts: readonly DryRunVerdict[]): string {
  return verdicts.map(({ policy, would }) => `${policy}=${would}`).join(',');
}
