import type { AccessLogRecord } from '@rampart/core';
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

/**
 * The records of a block, in the order in which they were appended.
 *
 * Strict: takes time and memory in proportion to the block's size and to `MAX_RECORDS`, whatever the bytes are.
 *
 * @throws RampartError INVALID_ARGUMENT when `bytes` is anything but one whole block of a version known here.
 */
export function readRecordBlock(bytes: Uint8Array): AccessLogRecord[] {
  const block = new ByteReader(bytes);
  if (bytes.length > MAX_BLOCK_BYTES) throw block.refusal(`it is longer than ${MAX_BLOCK_BYTES} bytes`);
  for (const expected of SIGNATURE) {
    if (block.byte() !== expected) throw block.refusal('it does not begin with the signature of one');
  }
  const version = block.byte();
  if (version < OLDEST_VERSION || version > VERSION)
    throw block.refusal(`it is of version ${version}, and ${OLDEST_VERSION} to ${VERSION} are known here`);
  const count = block.varint();
  if (count > MAX_RECORDS) throw block.refusal(`it claims ${count} records, ${MAX_RECORDS} are allowed`);
  const records = count === 0 ? [] : readRecords(block, { count, version });
  block.expectEnd();
  return records;
}

interface Head {
  readonly count: number;
  readonly version: number;
}

function readRecords(block: ByteReader, { count, version }: Head): AccessLogRecord[] {
  const columns = new ColumnReader(block, count);
  const record = recordReader(columns, version);
  columns.expectEnd();
  return Array.from({ length: count }, (_, row) => record(row));
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
    return this.#column((source) => readTexts(source, this.#pool, TEXT_LIMITS[field]));
  }

  /** Texts of which only some are allowed. */
  words<W extends string>(field: keyof typeof TEXT_LIMITS, words: readonly W[]): Column<W> {
    const texts = this.texts(field);
    return (row) => {
      const word = words.find((allowed) => allowed === texts(row));
      if (word === undefined) throw this.#block.refusal(`${field} is none of ${words.join(', ')}`);
      return word;
    };
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

function recordReader(columns: ColumnReader, version: number): Column<AccessLogRecord> {
  const startedAt = columns.numbers(MAX_TIMESTAMP);
  const durationMicros = columns.numbers();
  const responseCode = columns.numbers(MAX_RESPONSE_CODE);
  const bytesReceived = columns.numbers();
  const bytesSent = columns.numbers();
  const policyRevision = columns.numbers();
  const sourcePrincipal = columns.texts('sourcePrincipal');
  const destinationService = columns.texts('destinationService');
  const method = columns.texts('method');
  const path = columns.texts('path');
  const responseFlags = columns.texts('responseFlags');
  const authority = columns.texts('authority');
  const upstreamHost = columns.texts('upstreamHost');
  const forwardedFor = columns.texts('forwardedFor');
  const userAgent = columns.texts('userAgent');
  const decision = columns.words('decision', ['ALLOW', 'DENY']);
  const policy = columns.texts('policy');
  const sourceWorkload = columns.texts('sourceWorkload');
  const destinationPrincipal = columns.texts('destinationPrincipal');
  const protocol = columns.texts('protocol');
  const tlsVersion = columns.texts('tlsVersion');
  const reporter = columns.words('reporter', ['source', 'destination']);
  const jwtPrincipal = columns.texts('jwtPrincipal');
  const reason = columns.texts('reason');
  const observed = observedReader(columns, version);
  const traced = tracedReader(columns, version);
  return (row) => ({
    timestamp: new Date(startedAt(row)).toISOString(),
    source_principal: sourcePrincipal(row),
    destination_service: destinationService(row),
    request_method: method(row),
    request_path: path(row),
    response_code: responseCode(row),
    response_flags: responseFlags(row),
    authority: authority(row),
    upstream_host: upstreamHost(row),
    duration_ms: durationMicros(row) / 1000,
    bytes_received: bytesReceived(row),
    bytes_sent: bytesSent(row),
    x_forwarded_for: forwardedFor(row),
    user_agent: userAgent(row),
    authorization_decision: decision(row),
    authorization_policy: policy(row),
    source_workload: sourceWorkload(row),
    destination_principal: destinationPrincipal(row),
    protocol: protocol(row),
    tls_version: tlsVersion(row),
    ...traced(row),
    reporter: reporter(row),
    jwt_principal: jwtPrincipal(row),
    reason: reason(row),
    policy_revision: policyRevision(row),
    ...observed(row),
  });
}

type Traced = Pick<AccessLogRecord, 'request_id' | 'trace_id' | 'span_id' | 'parent_span_id'>;

function tracedReader(columns: ColumnReader, version: number): Column<Traced> {
  const requestId = columns.ids(UUID);
  const traceId = columns.ids(TRACE_ID);
  const spanId = columns.ids(SPAN_ID);
  const parentSpanId = version < PARENT_VERSION ? (): string => '' : columns.ids(SPAN_ID);
  return (row) => ({
    request_id: requestId(row) || traceId(row),
    trace_id: traceId(row),
    span_id: spanId(row),
    parent_span_id: parentSpanId(row),
  });
}

type Observed = Pick<AccessLogRecord, 'audit_policies' | 'dry_run_decision' | 'dry_run_policies'>;

const NOTHING_OBSERVED: Observed = { audit_policies: '', dry_run_decision: '', dry_run_policies: '' };

/** What AUDIT and dry-run policies said. */
function observedReader(columns: ColumnReader, version: number): Column<Observed> {
  if (version < OBSERVED_VERSION) return () => NOTHING_OBSERVED;
  const auditPolicies = columns.texts('auditPolicies');
  const dryRunDecision = columns.words('dryRunDecision', ['ALLOW', 'DENY', '']);
  const dryRunPolicies = columns.texts('dryRunPolicies');
  return (row) => ({
    audit_policies: auditPolicies(row),
    dry_run_decision: dryRunDecision(row),
    dry_run_policies: dryRunPolicies(row),
  });
}
