import type { AccessLogRecord, ConnectionRefusal } from '@rampart/core';
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

/** The part of a batch that a filter lets through. Refused connections have no decision and no reporter of their own. */
export function select(batch: ReadBatch, filter: LogFilter): Omit<LogPage, 'upTo'> {
  const ofService = serviceMatcher(filter.service);
  const isAnything = filter.service === '' && filter.decision === '' && filter.reporter === '';
  const records = isAnything
    ? batch.records
    : batch.recordsOf(
        (block, row) =>
          ofService(block.destinationService(row)) &&
          (filter.decision === '' || block.decision(row) === filter.decision) &&
          (filter.reporter === '' || block.reporter(row) === filter.reporter),
      );
  const wantsConnections = filter.decision !== 'ALLOW' && filter.reporter !== 'source';
  return {
    records,
    connections: wantsConnections ? batch.connections.filter((refusal) => ofService(refusal.destination_service)) : [],
  };
}

/** The last `count` records that match, oldest first, and the refused connections that arrived with them. */
export async function readHistory(
  store: AccessLogStore,
  tail: LogTail,
  query: { readonly filter: LogFilter; readonly count: number },
): Promise<LogPage> {
  const records: AccessLogRecord[] = [];
  const connections: ConnectionRefusal[] = [];
  let upTo = 0;
  let before: number | undefined;
  for (
    let looked = 0;
    looked < MOST_BATCHES && records.length + connections.length < query.count;
    looked += BATCHES_A_READ
  ) {
    const batches = await store.newest({ limit: BATCHES_A_READ, ...(before === undefined ? {} : { before }) });
    for (const batch of batches) {
      const found = select(tail.read(batch), query.filter);
      records.push(...found.records);
      connections.push(...found.connections);
      upTo = Math.max(upTo, batch.position);
      before = batch.position;
    }
    if (batches.length < BATCHES_A_READ) {
      break;
    }
    await breath();
  }
  return { records: newest(records, query.count), connections: newest(connections, query.count), upTo };
}

function newest<T extends { readonly timestamp: string }>(entries: readonly T[], count: number): T[] {
  const byTime = entries.toSorted((a, b) => (a.timestamp < b.timestamp ? -1 : Number(a.timestamp > b.timestamp)));
  return count === 0 ? [] : byTime.slice(-count);
}

/** Lets others have a turn: reading and unpacking never wait by themselves. */
function breath(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function serviceMatcher(service: string): (host: string) => boolean {
  if (service === '') {
    return () => true;
  }
  return (host) => host === service || host.startsWith(`${service}.`);
}
