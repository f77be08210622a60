import { RampartError } from '@rampart/core';
import type { Clock } from '@rampart/core';
import type { WatchTrafficRequest } from '@rampart/wire';
import { breath } from '../../../telemetry/breath.ts';
import type { AccessLogStore, StoredBatch } from '../../../telemetry/store.ts';
import type { ReadBatch } from '../../../telemetry/log-tail.ts';
import { CalledEnds } from '../../../telemetry/traffic/called-ends.ts';
import { type PlaneTraffic, serviceRows } from '../../../telemetry/traffic/service-rows.ts';
import { TrafficWindow } from '../../../telemetry/traffic/traffic-window.ts';
import { type AdminMethods, type AdminParts, operatorOf } from './admin-parts.ts';

const USUAL_WINDOW_MS = 10_000;
const LONGEST_WINDOW_MS = 60_000;
const USUAL_INTERVAL_MS = 1000;
const SHORTEST_INTERVAL_MS = 200;
const BATCHES_A_READ = 16;

type Parts = Pick<AdminParts, 'logs' | 'tail' | 'clock' | 'registry' | 'authority' | 'dataPlanes'>;

/** How requests to each service go, as it is reported. Nothing is counted while nobody looks. */
export function createTrafficMethods(parts: Parts): AdminMethods<'watchTraffic'> {
  return {
    async *watchTraffic(request, context) {
      operatorOf(context);
      const { clock, tail, registry } = parts;
      const terms = termsOf(request);
      const window = new TrafficWindow(terms.windowMs);
      const ends = new CalledEnds(parts);
      const count = async ({ spiffeId, block }: ReadBatch, at: number): Promise<void> => {
        if (block !== undefined) window.add({ block, served: await ends.servedBy(spiffeId), at });
      };
      // Following begins before the past is read; what comes in both is told apart by its position.
      let upTo = Number.POSITIVE_INFINITY;
      const early: { readonly batch: ReadBatch; readonly at: number }[] = [];
      let failure: Error | undefined;
      const countLater = (batch: ReadBatch, at: number): void => {
        void count(batch, at).catch(
          (error: unknown) => (failure = error instanceof Error ? error : new Error(String(error))),
        );
      };
      const stop = tail.follow((batch) => {
        const at = clock.now();
        if (upTo === Number.POSITIVE_INFINITY) early.push({ batch, at });
        else if (batch.position > upTo) countLater(batch, at);
      });
      context.signal.addEventListener('abort', stop);
      try {
        upTo = await readPast(parts, count, clock.now() - terms.windowMs);
        for (const { batch, at } of early.splice(0)) if (batch.position > upTo) await count(batch, at);
        while (!context.signal.aborted) {
          if (failure !== undefined) throw failure;
          const rows = serviceRows(window, { registry, now: clock.now(), planes: planesOf(parts) });
          yield { at: BigInt(clock.now()), services: rows.filter(({ service }) => isWanted(service, request.service)) };
          if (request.once) return;
          await pause(clock, terms.intervalMs, context.signal);
        }
      } finally {
        stop();
      }
    },
  };
}

function termsOf({ windowMs, intervalMs }: WatchTrafficRequest): {
  readonly windowMs: number;
  readonly intervalMs: number;
} {
  if (windowMs > LONGEST_WINDOW_MS)
    throw new RampartError('INVALID_ARGUMENT', `window_ms must be at most ${LONGEST_WINDOW_MS}`);
  return {
    windowMs: windowMs === 0 ? USUAL_WINDOW_MS : windowMs,
    intervalMs: intervalMs === 0 ? USUAL_INTERVAL_MS : Math.max(intervalMs, SHORTEST_INTERVAL_MS),
  };
}

type Count = (batch: ReadBatch, at: number) => Promise<void>;

/** Answers with the position of the newest batch there was. */
async function readPast({ logs, tail }: Parts, count: Count, since: number): Promise<number> {
  let upTo = 0;
  let before: number | undefined;
  for (;;) {
    const batches: readonly StoredBatch[] = await newest(logs, before);
    for (const batch of batches) {
      upTo = Math.max(upTo, batch.position);
      before = batch.position;
      if (batch.receivedAt < since) return upTo;
      await count(tail.read(batch), batch.receivedAt);
    }
    if (batches.length < BATCHES_A_READ) return upTo;
    await breath();
  }
}

function newest(logs: AccessLogStore, before: number | undefined): Promise<readonly StoredBatch[]> {
  return logs.newest({ limit: BATCHES_A_READ, ...(before === undefined ? {} : { before }) });
}

function planesOf({ dataPlanes }: Parts): PlaneTraffic[] {
  return dataPlanes.sessions.map(({ options: { peer }, traffic }) => ({ caller: peer.id.principal, traffic }));
}

function isWanted(service: string, wanted: string): boolean {
  return wanted === '' || service === wanted || service.startsWith(`${wanted}.`);
}

function pause(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.after(milliseconds, done);
    signal.addEventListener('abort', done);
  });
}
