import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Code, ConnectError } from '@connectrpc/connect';
import type { WatchInstancesResponse } from '@rampart/wire';
import type { ApiClient } from '../../../testing/workload-client.ts';
import { monotonicNow } from '../observations.ts';
import type { Told, WatchMessage, WatchSession } from '../watched.ts';
import { IDLE_SERVICE, NAMESPACE, SERVICES } from '../workload.ts';
import type { Recorder } from './recorder.ts';

type Registry = ApiClient['registry'];

/** A revision that a watcher was told, and by which start of the control plane. */
interface Place {
  readonly from: number;
  readonly fromRun: number;
}

interface Watcher {
  readonly watcher: string;
  readonly service?: string;
  /** Goes away and comes back after as many messages at most. */
  readonly mostMessages: number;
}

const WATCHERS: readonly Watcher[] = [
  { watcher: 'watch of everything', mostMessages: 1000 },
  { watcher: 'watch of everything that comes and goes', mostMessages: 40 },
  { watcher: 'watch of a service that comes and goes', service: SERVICES[0] ?? '', mostMessages: 10 },
  { watcher: 'watch of moving instances', service: 'moving-a', mostMessages: 20 },
  { watcher: 'watch of where nothing happens', service: IDLE_SERVICE, mostMessages: 1 },
];
const LONGEST_ABSENCE_MS = 30;
/** So far in the future that nothing of a test comes there. */
const FAR = 1_000_000_000_000;

/** Watches of the API that go on from where they were, over connections that end and control planes that are killed. */
export function startWatchers(recorder: Recorder): readonly Promise<void>[] {
  return WATCHERS.map((watcher) => {
    let place: Place | undefined;
    return recorder.withEach(watcher.watcher, async (reach) => {
      const { registry } = recorder.client(reach);
      const { run } = reach;
      if (place !== undefined) await once(registry, recorder, { ...watcher, run, from: place.from + FAR, fromRun: -1 });
      for (let isUp = true; isUp && !recorder.over.aborted;) {
        const session = await once(registry, recorder, { ...watcher, run, ...place });
        const last = session.messages.at(-1);
        if (last !== undefined) place = { from: last.revision, fromRun: run };
        else if (session.end === 'compacted') place = undefined;
        isUp = session.end !== 'cut';
        await pause(randomInt(LONGEST_ABSENCE_MS));
      }
    });
  });
}

type Wanted = Watcher & { readonly run: number; readonly from?: number; readonly fromRun?: number };

/** One session, until the watcher has enough, the control plane is gone, or it refuses. */
async function once(registry: Registry, recorder: Recorder, wanted: Wanted): Promise<WatchSession> {
  const { watcher, service, run, from, fromRun, mostMessages } = wanted;
  const enough = new AbortController();
  const signal = AbortSignal.any([enough.signal, recorder.over]);
  const messages: WatchMessage[] = [];
  const openedAt = monotonicNow();
  let end: WatchSession['end'] = 'left';
  let left = randomInt(1, mostMessages + 1);
  let parts: WatchInstancesResponse[] = [];
  try {
    const request = {
      namespace: NAMESPACE,
      ...(service === undefined ? {} : { service }),
      ...(from === undefined ? {} : { from: BigInt(from) }),
    };
    for await (const message of registry.watch(request, { signal })) {
      parts.push(message);
      if (message.more) continue;
      messages.push(joined(parts));
      parts = [];
      left -= 1;
      if (left === 0) break;
    }
  } catch (error) {
    if (!signal.aborted) end = endOf(error);
    if (end === 'cut') recorder.fail(watcher, run, error);
  }
  enough.abort();
  const session = {
    watcher,
    run,
    ...(service === undefined ? {} : { service }),
    ...(from === undefined || fromRun === undefined ? {} : { from, fromRun }),
    openedAt,
    endedAt: monotonicNow(),
    messages,
    end,
  };
  recorder.session(session);
  return session;
}

function endOf(error: unknown): WatchSession['end'] {
  const text = error instanceof ConnectError ? error.rawMessage : '';
  if (error instanceof ConnectError && error.code === Code.OutOfRange) return 'compacted';
  if (error instanceof ConnectError && error.code === Code.FailedPrecondition && text.includes('not there yet'))
    return 'future';
  return 'cut';
}

function joined(parts: readonly WatchInstancesResponse[]): WatchMessage {
  const last = parts.at(-1);
  return {
    at: monotonicNow(),
    revision: Number(last?.revision),
    isReset: parts[0]?.reset === true,
    told: parts.flatMap(({ events }) => events).map(toldBy),
  };
}

function toldBy({ revision, event }: WatchInstancesResponse['events'][number]): Told {
  const { value } = event;
  if (value === undefined) throw new Error('an event that says nothing');
  const port = event.case === 'put' ? event.value.port : 0;
  return { revision: Number(revision), instanceId: value.instanceId, service: value.service, port };
}
