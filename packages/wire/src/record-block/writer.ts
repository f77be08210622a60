import { RampartError } from '@rampart/core';
import { ByteWriter } from './byte-writer.ts';
import { IdColumn } from './id-column.ts';
import { SPAN_ID, TRACE_ID, UUID } from './id-form.ts';
import { MAX_RECORDS, MAX_TIMESTAMP, SIGNATURE, TEXT_LIMITS, VERSION } from './layout.ts';
import { NumberColumn } from './number-column.ts';
import type { RecordInput } from './record-input.ts';
import { TextColumn } from './text-column.ts';
import { TextMeter } from './text-meter.ts';

const INITIAL_CAPACITY = 64;
const FIXED_BYTES = 256;
/** Ids, numbers and dictionary indexes of a usual record. */
const BYTES_PER_RECORD = 52;
const MAX_RESPONSE_CODE = 999;

const encoder = new TextEncoder();

/**
 * Collects access-log records column by column and cuts them into blocks for the wire.
 *
 * `append` is on the path of every request: it allocates nothing once a block's dictionaries hold the usual values, and it
 * never fails for what a client sent. Memory is bounded by the caller, who finishes a block when `count` or `byteEstimate`
 * says so; the hard limit is `MAX_RECORDS` a block.
 */
export class RecordBlockWriter {
  readonly #out = new ByteWriter();
  #count = 0;
  #capacity = INITIAL_CAPACITY;
  readonly #meter = new TextMeter();

  readonly #startedAt = new NumberColumn(INITIAL_CAPACITY, MAX_TIMESTAMP);
  readonly #durationMicros = new NumberColumn(INITIAL_CAPACITY);
  readonly #responseCode = new NumberColumn(INITIAL_CAPACITY, MAX_RESPONSE_CODE);
  readonly #bytesReceived = new NumberColumn(INITIAL_CAPACITY);
  readonly #bytesSent = new NumberColumn(INITIAL_CAPACITY);
  readonly #policyRevision = new NumberColumn(INITIAL_CAPACITY);
  readonly #sourcePrincipal = this.#text('sourcePrincipal');
  readonly #destinationService = this.#text('destinationService');
  readonly #method = this.#text('method');
  readonly #path = this.#text('path');
  readonly #responseFlags = this.#text('responseFlags');
  readonly #authority = this.#text('authority');
  readonly #upstreamHost = this.#text('upstreamHost');
  readonly #forwardedFor = this.#text('forwardedFor');
  readonly #userAgent = this.#text('userAgent');
  readonly #decision = this.#text('decision');
  readonly #policy = this.#text('policy');
  readonly #sourceWorkload = this.#text('sourceWorkload');
  readonly #destinationPrincipal = this.#text('destinationPrincipal');
  readonly #protocol = this.#text('protocol');
  readonly #tlsVersion = this.#text('tlsVersion');
  readonly #reporter = this.#text('reporter');
  readonly #jwtPrincipal = this.#text('jwtPrincipal');
  readonly #reason = this.#text('reason');
  readonly #auditPolicies = this.#text('auditPolicies');
  readonly #dryRunDecision = this.#text('dryRunDecision');
  readonly #dryRunPolicies = this.#text('dryRunPolicies');
  readonly #requestId = new IdColumn(UUID, this.#meter, INITIAL_CAPACITY);
  readonly #traceId = new IdColumn(TRACE_ID, this.#meter, INITIAL_CAPACITY);
  readonly #spanId = new IdColumn(SPAN_ID, this.#meter, INITIAL_CAPACITY);
  readonly #parentSpanId = new IdColumn(SPAN_ID, this.#meter, INITIAL_CAPACITY);

  /** In wire order. */
  readonly #numbers: readonly NumberColumn[] = [
    this.#startedAt,
    this.#durationMicros,
    this.#responseCode,
    this.#bytesReceived,
    this.#bytesSent,
    this.#policyRevision,
  ];
  readonly #texts: readonly TextColumn[] = [
    this.#sourcePrincipal,
    this.#destinationService,
    this.#method,
    this.#path,
    this.#responseFlags,
    this.#authority,
    this.#upstreamHost,
    this.#forwardedFor,
    this.#userAgent,
    this.#decision,
    this.#policy,
    this.#sourceWorkload,
    this.#destinationPrincipal,
    this.#protocol,
    this.#tlsVersion,
    this.#reporter,
    this.#jwtPrincipal,
    this.#reason,
    this.#auditPolicies,
    this.#dryRunDecision,
    this.#dryRunPolicies,
  ];
  readonly #ids: readonly IdColumn[] = [this.#requestId, this.#traceId, this.#spanId, this.#parentSpanId];

  /** Records since the last `finish`. */
  get count(): number {
    return this.#count;
  }

  /** Roughly what `finish` would give, in bytes; exact enough to cut by. */
  get byteEstimate(): number {
    return FIXED_BYTES + this.#count * BYTES_PER_RECORD + this.#meter.units;
  }

  /**
   * Adds one record; `record` may be changed and used again afterwards.
   *
   * @throws RampartError INTERNAL when `MAX_RECORDS` records were added without a `finish`.
   */
  append(record: RecordInput): void {
    const row = this.#count;
    if (row === this.#capacity) this.#grow();
    this.#startedAt.add(row, record.startedAt);
    this.#durationMicros.add(row, record.durationMicros);
    this.#responseCode.add(row, record.responseCode);
    this.#bytesReceived.add(row, record.bytesReceived);
    this.#bytesSent.add(row, record.bytesSent);
    this.#policyRevision.add(row, record.policyRevision);
    this.#sourcePrincipal.add(row, record.sourcePrincipal);
    this.#destinationService.add(row, record.destinationService);
    this.#method.add(row, record.method);
    this.#path.add(row, record.path);
    this.#responseFlags.add(row, record.responseFlags);
    this.#authority.add(row, record.authority);
    this.#upstreamHost.add(row, record.upstreamHost);
    this.#forwardedFor.add(row, record.forwardedFor);
    this.#userAgent.add(row, record.userAgent);
    this.#decision.add(row, record.decision);
    this.#policy.add(row, record.policy);
    this.#sourceWorkload.add(row, record.sourceWorkload);
    this.#destinationPrincipal.add(row, record.destinationPrincipal);
    this.#protocol.add(row, record.protocol);
    this.#tlsVersion.add(row, record.tlsVersion);
    this.#reporter.add(row, record.reporter);
    this.#jwtPrincipal.add(row, record.jwtPrincipal);
    this.#reason.add(row, record.reason);
    this.#auditPolicies.add(row, record.auditPolicies);
    this.#dryRunDecision.add(row, record.dryRunDecision);
    this.#dryRunPolicies.add(row, record.dryRunPolicies);
    // An empty one means the trace id, after which the mesh names requests: the far end reads it in two headers and packs it once.
    this.#requestId.add(row, record.requestId === record.traceId ? '' : record.requestId);
    this.#traceId.add(row, record.traceId);
    this.#spanId.add(row, record.spanId);
    this.#parentSpanId.add(row, record.parentSpanId);
    this.#count = row + 1;
  }

  /** The block of everything appended since the last call; a block of no records is valid. */
  finish(): Uint8Array<ArrayBuffer> {
    const out = this.#out;
    for (const byte of SIGNATURE) out.byte(byte);
    out.byte(VERSION);
    out.varint(this.#count);
    if (this.#count > 0) this.#writeColumns();
    this.#reset();
    return out.take();
  }

  #writeColumns(): void {
    const out = this.#out;
    const count = this.#count;
    const text = encoder.encode(this.#collectTexts());
    out.varint(text.length);
    out.bytes(text);
    for (const column of this.#numbers) {
      column.measure(count);
      this.#writeColumn(column.encoding(), () => column.write(out, count));
    }
    for (const column of this.#texts) this.#writeColumn(column.encoding(), () => column.write(out, count));
    for (const column of this.#ids) this.#writeColumn(column.encoding(count), () => column.write(out, count));
  }

  #collectTexts(): string {
    const texts: string[] = [];
    for (const column of this.#texts) column.collect(texts);
    for (const column of this.#ids) {
      column.settle();
      column.collect(texts);
    }
    return texts.join('');
  }

  #writeColumn(encoding: number, write: () => void): void {
    const out = this.#out;
    out.byte(encoding);
    const lengthAt = out.length;
    out.claim(4);
    write();
    out.patchUint32(lengthAt, out.length - lengthAt - 4);
  }

  #reset(): void {
    this.#count = 0;
    this.#meter.reset();
    for (const column of this.#texts) column.reset();
    for (const column of this.#ids) column.reset();
  }

  #grow(): void {
    if (this.#capacity === MAX_RECORDS) {
      throw new RampartError(
        'INTERNAL',
        `BUG: an access-log block holds ${MAX_RECORDS} records at most; finish() it earlier`,
      );
    }
    this.#capacity *= 2;
    for (const column of this.#numbers) column.grow(this.#capacity);
    for (const column of this.#texts) column.grow(this.#capacity);
    for (const column of this.#ids) column.grow(this.#capacity);
  }

  #text(field: keyof typeof TEXT_LIMITS): TextColumn {
    return new TextColumn(TEXT_LIMITS[field], this.#meter, INITIAL_CAPACITY);
  }
}
