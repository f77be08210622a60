import type { AccessLogRecord, ConnectionRefusal } from '@rampart/core';
import type { RecordBlock } from '@rampart/wire';
import { breath } from './breath.ts';
import type { LogTail, ReadBatch } from './log-tail.ts';
import type { AccessLogStore } from './store.ts';

/** What somebody wants to see; "" matches everything. */
export interface LogFilter {
  /** "orders-api", "orders-api.default" or "orders-api.default.svc". */
  readonly service: string;
  readonly decision: string;
  readonly reporter: string;
}

export interface LogPage {
  readonly records: readonly AccessLogRecord[];
  readonly connections: readonly ConnectionRefusal[];
  /** Position of the newest batch that was looked at; 0 when there is none. */
  readonly upTo: number;
}

const BATCHES_A_READ = 16;
const MOST_BATCHES = 2000;

/** The part of a batch that a filter lets through. */
export function select(batch: ReadBatch, filter: LogFilter): Omit<LogPage, 'upTo'> {
  const isWanted = recordMatcher(filter);
  return {
    records: isWanted === EVERY_ROW ? batch.records : batch.rows(isWanted).map((row) => batch.record(row)),
    connections: selectConnections(batch, filter),
  };
}

type RowMatcher = (block: RecordBlock, row: number) => boolean;

const EVERY_ROW: RowMatcher = () => true;

function recordMatcher({ service, decision, reporter }: LogFilter): RowMatcher {
  if (service === '' && decision === '' && reporter === '') return EVERY_ROW;
  const ofService = serviceMatcher(service);
  return (block, row) =>
    ofService(block.destinationService(row)) &&
    (decision === '' || block.decision(row) === decision) &&
    (reporter === '' || block.reporter(row) === reporter);
}

/** Refused connections have no decision and no reporter of their own. */
function selectConnections({ connections }: ReadBatch, filter: LogFilter): ConnectionRefusal[] {
  if (filter.decision === 'ALLOW' || filter.reporter === 'source') return [];
  const ofService = serviceMatcher(filter.service);
  return connections.filter((refusal) => ofService(refusal.destination_service));
}

/** The last `count` records that match, oldest first, and the refused connections that arrived with them. */
export async function readHistory(
  store: AccessLogStore,
  tail: LogTail,
  query: { readonly filter: LogFilter; readonly count: number },
): Promise<LogPage> {
  const records = new NewestRecords(query.count);
  const connections: ConnectionRefusal[] = [];
  const isWanted = recordMatcher(query.filter);
  let upTo = 0;
  let before: number | undefined;
  for (
    let looked = 0;
    looked < MOST_BATCHES && records.offered + connections.length < query.count;
    looked += BATCHES_A_READ
  ) {
    const batches = await store.newest({ limit: BATCHES_A_READ, ...(before === undefined ? {} : { before }) });
    for (const batch of batches) {
      const read = tail.read(batch);
      records.offer(read, read.rows(isWanted));
      connections.push(...selectConnections(read, query.filter));
      upTo = Math.max(upTo, batch.position);
      before = batch.position;
    }
    if (batches.length < BATCHES_A_READ) {
      break;
    }
    await breath();
  }
  return { records: records.take(), connections: newestConnections(connections, query.count), upTo };
}

interface Found {
  readonly batch: ReadBatch;
  readonly row: number;
  /** Unix milliseconds. */
  readonly at: number;
}

/** Of all rows that were offered, the records of the newest: no others are made. */
class NewestRecords {
  readonly #count: number;
  readonly #found: Found[] = [];
  #offered = 0;

  constructor(count: number) {
    this.#count = count;
  }

  get offered(): number {
    return this.#offered;
  }

  offer(batch: ReadBatch, rows: readonly number[]): void {
    const { block } = batch;
    if (block === undefined) return;
    this.#offered += rows.length;
    const since = oldestOfNewest(rows, this.#count, block.startedAt);
    for (const row of rows) {
      const at = block.startedAt(row);
      if (at >= since) this.#found.push({ batch, row, at });
    }
  }

  /** Oldest first. */
  take(): AccessLogRecord[] {
    if (this.#count === 0) return [];
    const byTime = this.#found.toSorted((a, b) => a.at - b.at);
    return byTime.slice(-this.#count).map(({ batch, row }) => batch.record(row));
  }
}

/** When the first of the newest `count` rows began; before all of them where there are fewer. */
function oldestOfNewest(rows: readonly number[], count: number, startedAt: (row: number) => number): number {
  if (rows.length <= count) return 0;
  const times = Float64Array.from(rows, startedAt).sort();
  return times[rows.length - count] ?? Number.POSITIVE_INFINITY;
}

function newestConnections(connections: readonly ConnectionRefusal[], count: number): ConnectionRefusal[] {
  const byTime = connections.toSorted((a, b) => (a.timestamp < b.timestamp ? -1 : Number(a.timestamp > b.timestamp)));
  return count === 0 ? [] : byTime.slice(-count);
}

function serviceMatcher(service: string): (host: string) => boolean {
  if (service === '') {
    return () => true;
  }
  return (host) => host === service || host.startsWith(`${service}.`);
}
