import { INSTANCE, type InstanceAction } from './instance-model.ts';
import { contradictionIn, type Operation } from './linearizable.ts';
import type { History, Look, Run } from './observations.ts';
import { type Places, Timeline } from './timeline.ts';
import { brokenPromises, difference, type WatchPromise } from './watch-promises.ts';
import { ALL, type Subject } from './workload.ts';

/** What a registry promises to whoever looks at it from outside. */
export type Rule =
  /** Each instance by itself: writes and looks, through any door. */
  | 'linearizable'
  /** Through any door, the same revision of a service is the same instances. */
  | 'consistent'
  /** A blocking query ends with a change of its service. */
  | 'blocking'
  /** A control stream never goes back, and tells the truth. */
  | 'streamed'
  /** Nothing fails while the control plane is up. */
  | 'available'
  | WatchPromise;

export interface Wrong {
  readonly rule: Rule;
  readonly what: string;
}

/** How late the end of a lease may come, beyond its time. */
const PATIENCE_MS = 8000;
/** Timers may be a little early. */
export const EARLY_MS = 20;
/** The longest that a blocking query of a history waits. */
const WAIT_MS = 60_000;

/** Everything that did not go as promised. */
export function judge(history: History): readonly Wrong[] {
  const timelines = timelinesOf(history);
  return [
    ...ALL.flatMap((subject) => notLinearizable(subject, history)),
    ...inconsistent(history, timelines),
    ...wokenForNothing(history),
    ...wrongStreams(history),
    ...failedWhileUp(history),
    ...brokenPromises(history.sessions, timelines).map(({ promise, watcher, what }) => ({
      rule: promise,
      what: `${watcher}: ${what}`,
    })),
  ];
}

function timelinesOf({ sessions }: History): ReadonlyMap<number, Timeline> {
  const byRun = Map.groupBy(sessions, ({ run }) => run);
  return new Map([...byRun].map(([run, own]) => [run, new Timeline(own)]));
}

function notLinearizable(subject: Subject, history: History): readonly Wrong[] {
  const operations = operationsOf(subject, history);
  const contradiction = contradictionIn(operations, INSTANCE);
  if (contradiction === undefined) return [];
  const { operation, beside, states } = contradiction;
  const what = `${subject.instanceId}: no place for ${textOf(operation)} beside ${beside.map(textOf).join(', ') || 'nothing'}; it may have been ${states.join(' or ')}`;
  return [{ rule: 'linearizable', what }];
}

function textOf({ by, action, from, to }: Operation<InstanceAction>): string {
  return `${by}: ${JSON.stringify(action)} from ${from.toFixed(2)} to ${to.toFixed(2)}`;
}

/** All that concerns one instance. */
function operationsOf(subject: Subject, { writes, looks, runs }: History): readonly Operation<InstanceAction>[] {
  const { instanceId, services, leaseMs } = subject;
  const written = writes
    .filter((write) => write.instanceId === instanceId)
    .map((write): Operation<InstanceAction> => {
      const { by, action, from, to = Math.max(from, runs[write.run]?.goneAt ?? Infinity) } = write;
      return { by, action, from, to, outcome: write.to === undefined ? 'unknown' : 'answered' };
    });
  const seen = looks
    .filter(({ service }) => services.includes(service))
    .map(({ by, service, from, to, places }): Operation<InstanceAction> => {
      const port = places.find(([id]) => id === instanceId)?.[1] ?? 0;
      return { by, action: { kind: 'look', service, port }, from, to, outcome: 'answered' };
    });
  return leaseMs === 0 ? [...written, ...seen] : [...withEnds([...written, ...restarts(runs)], leaseMs), ...seen];
}

/** At each start but the first, leases count anew. */
function restarts(runs: readonly Run[]): readonly Operation<InstanceAction>[] {
  return runs.slice(1).map(({ startedAt, servesAt }, index) => ({
    by: 'the control plane',
    action: { kind: 'restart', grant: -1 - index },
    from: startedAt,
    to: servesAt,
    outcome: 'answered',
  }));
}

/** With what follows from each grant of a lease: its end, unless somebody renews it. */
function withEnds(
  operations: readonly Operation<InstanceAction>[],
  leaseMs: number,
): readonly Operation<InstanceAction>[] {
  const ends = operations.flatMap(({ action, from, to }): readonly Operation<InstanceAction>[] => {
    const grant = grantOf(action);
    if (grant === undefined) return [];
    const [earliest, latest] = [from + leaseMs - EARLY_MS, to + leaseMs + PATIENCE_MS];
    return [{ by: 'time', action: { kind: 'expire', grant }, from: earliest, to: latest, outcome: 'due' }];
  });
  return [...operations, ...ends];
}

function grantOf(action: InstanceAction): number | undefined {
  if (action.kind === 'register') return action.place.grant;
  if (action.kind === 'renew') return action.found === false ? undefined : action.grant;
  return action.kind === 'restart' ? action.grant : undefined;
}

/** Looks that name the revision of what they saw. */
function inconsistent({ looks }: History, timelines: ReadonlyMap<number, Timeline>): readonly Wrong[] {
  const known = new Map<string, Look>();
  const wrong: Wrong[] = [];
  for (const look of looks) {
    const { run, service, revision, places } = look;
    if (revision === undefined) continue;
    const seen: Places = new Map(places);
    if (seen.size !== places.length) wrong.push({ rule: 'consistent', what: `${nameOf(look)}: an instance twice` });
    const key = `${run} ${service} ${revision}`;
    const other = known.get(key) ?? look;
    known.set(key, other);
    const timeline = timelines.get(run);
    const others = [
      ...difference(seen, new Map(other.places)),
      ...(timeline?.knows(revision) === true ? difference(seen, timeline.placesAt(revision, service)) : []),
    ];
    wrong.push(...others.map((text): Wrong => ({ rule: 'consistent', what: `${nameOf(look)}: ${text}` })));
  }
  return wrong;
}

function nameOf({ by, service, revision }: Look): string {
  return `${by} at ${service} ${revision}`;
}

function wokenForNothing({ looks }: History): readonly Wrong[] {
  return looks
    .filter(({ since, revision, from, to }) => since !== undefined && revision === since && to - from < WAIT_MS)
    .map((look) => ({ rule: 'blocking', what: `${nameOf(look)}: nothing is new after ${look.since}` }));
}

/** Ports of an instance are registered once each: whoever saw the later one must not see an earlier one again. */
function wrongStreams(history: History): readonly Wrong[] {
  const wrong: Wrong[] = [];
  const order = orderOf(history);
  for (const [by, messages] of Map.groupBy(history.streamed, (message) => message.by)) {
    const newest = new Map<string, number>();
    let last = 0;
    for (const { revision, services } of messages) {
      if (revision < last) wrong.push({ rule: 'streamed', what: `${by}: revision ${revision} after ${last}` });
      last = Math.max(last, revision);
      for (const [id, port] of services.flatMap(([, places]) => places)) {
        const at = order.get(`${id}:${port}`);
        if (at === undefined) continue;
        const before = newest.get(id) ?? 0;
        if (at < before) wrong.push({ rule: 'streamed', what: `${by}: ${id} is back at ${port}` });
        newest.set(id, Math.max(before, at));
      }
    }
  }
  return wrong;
}

/** At which revision of the registry an instance came to a port. */
function orderOf({ sessions }: History): ReadonlyMap<string, number> {
  const order = new Map<string, number>();
  for (const { instanceId, port, revision } of sessions
    .flatMap(({ messages }) => messages)
    .flatMap(({ told }) => told)) {
    const key = `${instanceId}:${port}`;
    if (port !== 0) order.set(key, Math.min(order.get(key) ?? Infinity, revision));
  }
  return order;
}

function failedWhileUp({ failures, runs }: History): readonly Wrong[] {
  return failures
    .filter(({ run, at }) => at < (runs[run]?.killedAt ?? Infinity))
    .map(({ by, run, text }) => ({ rule: 'available', what: `${by} in run ${run}: ${text}` }));
}
