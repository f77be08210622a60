import { RampartError } from '@rampart/core';
import type { Clock } from '@rampart/core';
import type { WatchTrafficRequest } from '@rampart/wire';
import { breath } from '../../../telemetry/breath.ts';
import type { AccessLogStore, StoredBatch } from '../../../telemetry/store.ts';
import { type PlaneTraffic, serviceRows } from '../../../telemetry/traffic/service-rows.ts';
import { TrafficWindow } from '../../../telemetry/traffic/traffic-window.ts';
import { type AdminMethods, type AdminParts, operatorOf } from './admin-parts.ts';

const USUAL_WINDOW_MS = 10_000;
const LONGEST_WINDOW_MS = 60_000;
const USUAL_INTERVAL_MS = 1000;
const SHORTEST_INTERVAL_MS = 200;
const BATCHES_A_READ = 16;

type Parts = Pick<AdminParts, 'logs' | 'tail' | 'clock' | 'registry' | 'dataPlanes'>;

/** How requests to each service go, as it is reported. Nothing is counted while nobody looks. */
export function createTrafficMethods(parts: Parts): AdminMethods<'watchTraffic'> {
  return {
    async *watchTraffic(request, context) {
      operatorOf(context);
      const { clock, tail, registry } = parts;
      const terms = termsOf(request);
      const window = new TrafficWindow(terms.windowMs);
      // Following begins before the past is read; what comes in both is told apart by its position.
      let upTo = Number.POSITIVE_INFINITY;
      const early: { readonly position: number; add(): void }[] = [];
      const stop = tail.follow(({ position, block }) => {
        const at = clock.now();
        const add = (): void => window.add(block, at);
        if (upTo === Number.POSITIVE_INFINITY) early.push({ position, add });
        else if (position > upTo) add();
      });
      context.signal.addEventListener('abort', stop);
      try {
        upTo = await readPast(parts, window, clock.now() - terms.windowMs);
        for (const { position, add } of early.splice(0)) if (position > upTo) add();
        while (!context.signal.aborted) {
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

/** Answers with the position of the newest batch there was. */
async function readPast({ logs, tail }: Parts, window: TrafficWindow, since: number): Promise<number> {
  let upTo = 0;
  let before: number | undefined;
  for (;;) {
    const batches: readonly StoredBatch[] = await newest(logs, before);
    for (const batch of batches) {
      upTo = Math.max(upTo, batch.position);
      before = batch.position;
      if (batch.receivedAt < since) return upTo;
      window.add(tail.read(batch).block, batch.receivedAt);
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
