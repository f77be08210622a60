import {
  type Clock,
  type ConnectionRefusal,
  type ConnectionRefusalKind,
  RampartError,
  type SpiffeId,
} from '@rampart/core';
import { type ConnectionEvent, countRecords, MAX_BLOCK_BYTES, MAX_RECORDS, type TelemetryBatch } from '@rampart/wire';
import type { Counter, Metrics } from '../metrics.ts';
import type { LogTail } from './log-tail.ts';
import type { AccessLogBatch, AccessLogStore } from './store.ts';

export interface TelemetryIntakeOptions {
  readonly store: AccessLogStore;
  readonly tail: LogTail;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** "orders-api.default.svc" for the identity of one of its instances; "" for a pure client. */
  serviceOf(id: SpiffeId): string;
}

const REPORTER = /^[\w.:-]{1,128}$/;
const MOST_CONNECTION_EVENTS = 2000;
const LONGEST_TEXT = 2048;

const REFUSAL_KINDS: ReadonlySet<string> = new Set<ConnectionRefusalKind>([
  'plaintext_rejected',
  'certificate_rejected',
  'handshake_failed',
  'protocol_error',
  'policy_denied',
  'not_ready',
]);

/** Takes reports of data planes. What it answers for is stored; a report that is repeated is stored once. */
export class TelemetryIntake {
  readonly #options: TelemetryIntakeOptions;
  readonly #records: Counter;
  readonly #refusals: Counter;
  readonly #repeated: Counter;

  constructor(options: TelemetryIntakeOptions) {
    this.#options = options;
    this.#records = options.metrics.counter('rampart_access_log_records_total', 'Access-log records stored.');
    this.#refusals = options.metrics.counter(
      'rampart_refused_connections_total',
      'Connections that data planes refused, by kind.',
    );
    this.#repeated = options.metrics.counter(
      'rampart_access_log_repeated_batches_total',
      'Batches that were reported again after they had been stored.',
    );
  }

  /** Resolves once the batch is durable. @throws RampartError INVALID_ARGUMENT for a batch no data plane of ours would send. */
  async report(reporter: SpiffeId, message: TelemetryBatch): Promise<void> {
    const batch = this.#batchOf(reporter, message);
    const position = await this.#options.store.add(batch);
    if (position === undefined) {
      this.#repeated.add();
      return;
    }
    this.#records.add({}, batch.recordCount);
    for (const { kind } of batch.connections) {
      this.#refusals.add({ kind });
    }
    this.#options.tail.publish({ ...batch, position });
  }

  #batchOf(reporter: SpiffeId, message: TelemetryBatch): AccessLogBatch {
    check(REPORTER.test(message.reporter), 'reporter must be 1 to 128 letters, digits and . _ : -');
    check(message.sequence <= BigInt(Number.MAX_SAFE_INTEGER), 'sequence must be below 2^53');
    check(message.records.length <= MAX_BLOCK_BYTES, `records must be at most ${MAX_BLOCK_BYTES} bytes`);
    check(message.recordCount <= MAX_RECORDS, `record_count must be at most ${MAX_RECORDS}`);
    const held = message.records.length === 0 ? 0 : countRecords(message.records);
    check(message.recordCount === held, `record_count is ${message.recordCount}, and records hold ${held}`);
    check(
      message.connectionEvents.length <= MOST_CONNECTION_EVENTS,
      `connection_events must be at most ${MOST_CONNECTION_EVENTS}`,
    );
    const service = message.connectionEvents.length === 0 ? '' : this.#options.serviceOf(reporter);
    return {
      spiffeId: reporter.toString(),
      reporter: message.reporter,
      sequence: Number(message.sequence),
      receivedAt: this.#options.clock.now(),
      recordCount: message.recordCount,
      records: message.records,
      connections: message.connectionEvents.map((event) => refusalOf(event, { service, reporter })),
    };
  }
}

function refusalOf(
  event: ConnectionEvent,
  by: { readonly service: string; readonly reporter: SpiffeId },
): ConnectionRefusal {
  const { kind } = event;
  check(isRefusalKind(kind), `connection event kind ${JSON.stringify(kind.slice(0, 40))} is not known`);
  const at = Number(event.at);
  check(Number.isFinite(new Date(at).getTime()), 'connection event time is out of range');
  return {
    timestamp: new Date(at).toISOString(),
    kind,
    reason: event.reason.slice(0, LONGEST_TEXT),
    destination_service: by.service,
    remote_address: event.remoteAddress.slice(0, LONGEST_TEXT),
    local_port: event.localPort,
    peer: event.peer.slice(0, LONGEST_TEXT),
    reported_by: by.reporter.toString(),
  };
}

function isRefusalKind(kind: string): kind is ConnectionRefusalKind {
  return REFUSAL_KINDS.has(kind);
}

function check(holds: boolean, rule: string): asserts holds {
  if (!holds) {
    throw new RampartError('INVALID_ARGUMENT', `telemetry batch: ${rule}`);
  }
}
