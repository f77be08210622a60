import { type AccessLogRecord, RampartError } from '@rampart/core';
import { ByteReader } from './byte-reader.ts';
import { type IdForm, SPAN_ID, TRACE_ID, UUID } from './id-form.ts';
import {
  MAX_BLOCK_BYTES,
  MAX_RECORDS,
  MAX_TIMESTAMP,
  OBSERVED_VERSION,
  OLDEST_VERSION,
  PARENT_VERSION,
  SIGNATURE,
  TEXT_LIMITS,
  VERSION,
} from './layout.ts';
import { type Column, type ColumnSource, readIds, readNumbers, readTexts } from './read-columns.ts';
import { TextPool } from './text-pool.ts';

const MAX_RESPONSE_CODE = 999;

/** A block whose columns are read; records are made of them row by row, as they are asked for. Rows are those of the writer, from 0. */
export interface RecordBlock {
  /** Rows. */
  readonly count: number;
  readonly record: Column<AccessLogRecord>;
  /** Single fields, for whoever looks at many rows: far cheaper than whole records. */
  readonly startedAt: Column<number>;
  readonly reporter: Column<AccessLogRecord['reporter']>;
  readonly destinationService: Column<string>;
  readonly decision: Column<AccessLogRecord['authorization_decision']>;
  readonly responseCode: Column<number>;
  readonly responseFlags: Column<string>;
  readonly durationMicros: Column<number>;
  readonly tlsVersion: Column<string>;
  readonly protocol: Column<string>;
}

/**
 * Opens a block. What it says afterwards of any of its rows cannot fail.
 *
 * Strict: takes time and memory in proportion to the block's size and to `MAX_RECORDS`, whatever the bytes are.
 *
 * @throws RampartError INVALID_ARGUMENT when `bytes` is anything but one whole block of a version known here.
 */
export function openRecordBlock(bytes: Uint8Array): RecordBlock {
  const block = new ByteReader(bytes);
  const { count, version } = readHead(block, bytes);
  const opened = count === 0 ? EMPTY : openColumns(block, { count, version });
  block.expectEnd();
  return opened;
}

/**
 * How many records a block says that it holds. Only its head is read, so that this is cheap where a block is passed on: the rest may
 * still be refused by `openRecordBlock`.
 *
 * @throws RampartError INVALID_ARGUMENT for what has no head of a version known here.
 */
export function countRecords(bytes: Uint8Array): number {
  return readHead(new ByteReader(bytes), bytes).count;
}

function readHead(block: ByteReader, bytes: Uint8Array): Head {
  if (bytes.length > MAX_BLOCK_BYTES) throw block.refusal(`it is longer than ${MAX_BLOCK_BYTES} bytes`);
  for (const expected of SIGNATURE) {
    if (block.byte() !== expected) throw block.refusal('it does not begin with the signature of one');
  }
  const version = block.byte();
  if (version < OLDEST_VERSION || version > VERSION)
    throw block.refusal(`it is of version ${version}, and ${OLDEST_VERSION} to ${VERSION} are known here`);
  const count = block.varint();
  if (count > MAX_RECORDS) throw block.refusal(`it claims ${count} records, ${MAX_RECORDS} are allowed`);
  return { count, version };
}

/**
 * The records of a block, in the order in which they were appended.
 *
 * @throws RampartError INVALID_ARGUMENT as `openRecordBlock` does.
 */
export function readRecordBlock(bytes: Uint8Array): AccessLogRecord[] {
  const { count, record } = openRecordBlock(bytes);
  return Array.from({ length: count }, (_, row) => record(row));
}

interface Head {
  readonly count: number;
  readonly version: number;
}

function openColumns(block: ByteReader, { count, version }: Head): RecordBlock {
  const reader = new ColumnReader(block, count);
  const columns = columnsOf(reader, version);
  reader.expectEnd();
  return {
    count,
    record: (row) => recordOf(columns, row),
    startedAt: columns.startedAt,
    reporter: columns.reporter,
    destinationService: columns.destinationService,
    decision: columns.decision,
    responseCode: columns.responseCode,
    responseFlags: columns.responseFlags,
    durationMicros: columns.durationMicros,
    tlsVersion: columns.tlsVersion,
    protocol: columns.protocol,
  };
}

const EMPTY: RecordBlock = {
  count: 0,
  record: noRow,
  startedAt: noRow,
  reporter: noRow,
  destinationService: noRow,
  decision: noRow,
  responseCode: noRow,
  responseFlags: noRow,
  durationMicros: noRow,
  tlsVersion: noRow,
  protocol: noRow,
};

function noRow(): never {
  throw new RampartError('INTERNAL', 'BUG: a block without records was asked for one');
}

/** Columns in wire order. */
class ColumnReader {
  readonly #block: ByteReader;
  readonly #count: number;
  readonly #pool: TextPool;

  constructor(block: ByteReader, count: number) {
    this.#block = block;
    this.#count = count;
    this.#pool = new TextPool(block);
  }

  numbers(maximum: number = Number.MAX_SAFE_INTEGER): Column<number> {
    return this.#column((source) => readNumbers(source, maximum));
  }

  texts(field: keyof typeof TEXT_LIMITS): Column<string> {
    return this.#column((source) =>
      readTexts(source, this.#pool, { limit: TEXT_LIMITS[field], admit: (text) => text }),
    );
  }

  /** Texts of which only some are allowed. */
  words<W extends string>(field: keyof typeof TEXT_LIMITS, words: readonly W[]): Column<W> {
    const admit = (text: string): W => {
      const word = words.find((allowed) => allowed === text);
      if (word === undefined) throw this.#block.refusal(`${field} is none of ${words.join(', ')}`);
      return word;
    };
    return this.#column((source) => readTexts(source, this.#pool, { limit: TEXT_LIMITS[field], admit }));
  }

  ids(form: IdForm): Column<string> {
    return this.#column((source) => readIds(source, this.#pool, form));
  }

  expectEnd(): void {
    if (!this.#pool.exhausted) throw this.#block.refusal('it holds text that no column names');
  }

  #column<T>(read: (source: ColumnSource) => T): T {
    const encoding = this.#block.byte();
    const length = this.#block.uint32();
    const bytes = this.#block.section(length);
    const column = read({ encoding, bytes, count: this.#count });
    bytes.expectEnd();
    return column;
  }
}

type Columns = ReturnType<typeof columnsOf>;

/** Every column, in wire order: to name one is to read it. */
function columnsOf(columns: ColumnReader, version: number) {
  const observed = version >= OBSERVED_VERSION;
  return {
    startedAt: columns.numbers(MAX_TIMESTAMP),
    durationMicros: columns.numbers(),
    responseCode: columns.numbers(MAX_RESPONSE_CODE),
    bytesReceived: columns.numbers(),
    bytesSent: columns.numbers(),
    policyRevision: columns.numbers(),
    sourcePrincipal: columns.texts('sourcePrincipal'),
    destinationService: columns.texts('destinationService'),
    method: columns.texts('method'),
    path: columns.texts('path'),
    responseFlags: columns.texts('responseFlags'),
    authority: columns.texts('authority'),
    upstreamHost: columns.texts('upstreamHost'),
    forwardedFor: columns.texts('forwardedFor'),
    userAgent: columns.texts('userAgent'),
    decision: columns.words('decision', ['ALLOW', 'DENY']),
    policy: columns.texts('policy'),
    sourceWorkload: columns.texts('sourceWorkload'),
    destinationPrincipal: columns.texts('destinationPrincipal'),
    protocol: columns.texts('protocol'),
    tlsVersion: columns.texts('tlsVersion'),
    reporter: columns.words('reporter', ['source', 'destination']),
    jwtPrincipal: columns.texts('jwtPrincipal'),
    reason: columns.texts('reason'),
    auditPolicies: observed ? columns.texts('auditPolicies') : nothing,
    dryRunDecision: observed ? columns.words('dryRunDecision', ['ALLOW', 'DENY', '']) : nothing,
    dryRunPolicies: observed ? columns.texts('dryRunPolicies') : nothing,
    requestId: columns.ids(UUID),
    traceId: columns.ids(TRACE_ID),
    spanId: columns.ids(SPAN_ID),
    parentSpanId: version >= PARENT_VERSION ? columns.ids(SPAN_ID) : nothing,
  };
}

/** A column that a block of its version does not have. */
function nothing(): '' {
  return '';
}

function recordOf(columns: Columns, row: number): AccessLogRecord {
  const traceId = columns.traceId(row);
  return {
    timestamp: new Date(columns.startedAt(row)).toISOString(),
    source_principal: columns.sourcePrincipal(row),
    destination_service: columns.destinationService(row),
    request_method: columns.method(row),
    request_path: columns.path(row),
    response_code: columns.responseCode(row),
    response_flags: columns.responseFlags(row),
    authority: columns.authority(row),
    upstream_host: columns.upstreamHost(row),
    duration_ms: columns.durationMicros(row) / 1000,
    bytes_received: columns.bytesReceived(row),
    bytes_sent: columns.bytesSent(row),
    x_forwarded_for: columns.forwardedFor(row),
    user_agent: columns.userAgent(row),
    authorization_decision: columns.decision(row),
    authorization_policy: columns.policy(row),
    source_workload: columns.sourceWorkload(row),
    destination_principal: columns.destinationPrincipal(row),
    protocol: columns.protocol(row),
    tls_version: columns.tlsVersion(row),
    request_id: columns.requestId(row) || traceId,
    trace_id: traceId,
    span_id: columns.spanId(row),
    parent_span_id: columns.parentSpanId(row),
    reporter: columns.reporter(row),
    jwt_principal: columns.jwtPrincipal(row),
    reason: columns.reason(row),
    policy_revision: columns.policyRevision(row),
    audit_policies: columns.auditPolicies(row),
    dry_run_decision: columns.dryRunDecision(row),
    dry_run_policies: columns.dryRunPolicies(row),
  };
}
