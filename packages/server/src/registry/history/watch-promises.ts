import { type Places, Timeline } from './timeline.ts';
import { newsOf, spanOf, type Told, type WatchMessage, type WatchSession } from './watched.ts';

/** What a watch of the registry promises, and what it says where it cannot keep it (`docs/guide/registry.md`). */
export type WatchPromise =
  | 'ordered'
  | 'unique'
  | 'reliable'
  | 'atomic'
  | 'resumable'
  | 'bookmarkable'
  | 'compacted'
  | 'future';

export interface Breach {
  readonly promise: WatchPromise;
  readonly watcher: string;
  readonly what: string;
}

/** Longest silence, with what a busy machine adds to the five seconds that are promised. */
const LONGEST_SILENCE_MS = 5000 + 25_000;

type Check = (session: WatchSession, timeline: Timeline) => readonly string[];

const CHECKS: Readonly<Record<WatchPromise, Check>> = {
  ordered: inOrder,
  unique: onlyOnce,
  reliable: nothingLeftOut,
  atomic: inOneMessage,
  resumable: goesOn,
  bookmarkable: neverSilent,
  compacted: saysThatHistoryIsGone,
  future: refusesWhatIsNotThereYet,
};

/** Every promise that watches broke; sessions of one watcher stand in the order of time. */
export function brokenPromises(
  sessions: readonly WatchSession[],
  timelines: ReadonlyMap<number, Timeline>,
): readonly Breach[] {
  const breaches: Breach[] = [];
  const none = new Timeline([]);
  for (const session of sessions) {
    const timeline = timelines.get(session.run) ?? none;
    for (const [promise, check] of Object.entries(CHECKS)) {
      for (const what of check(session, timeline))
        breaches.push({ promise: promise as WatchPromise, watcher: session.watcher, what });
    }
  }
  for (const lineage of lineagesOf(sessions)) breaches.push(...brokenAcross(lineage, timelines));
  for (const timeline of timelines.values())
    breaches.push(
      ...timeline.contradictions.map((what) => ({ promise: 'reliable' as const, watcher: 'several', what })),
    );
  return breaches;
}

function inOrder({ from = -1, messages }: WatchSession): readonly string[] {
  const problems: string[] = [];
  let last = from;
  for (const { revision, isReset, told } of messages) {
    if (revision < last) problems.push(`revision ${revision} after ${last}`);
    let before = last;
    for (const news of isReset ? [] : told) {
      const isLate = news.revision < before || news.revision <= last;
      if (isLate) problems.push(`a change of ${news.revision} after ${Math.max(before, last)}`);
      if (news.revision > revision) problems.push(`a change of ${news.revision} in a message up to ${revision}`);
      before = Math.max(before, news.revision);
    }
    last = Math.max(last, revision);
  }
  return problems;
}

function onlyOnce(session: WatchSession): readonly string[] {
  return repeated(newsOf(session).map(nameOf)).map((name) => `${name} is told twice`);
}

function nothingLeftOut(session: WatchSession, timeline: Timeline): readonly string[] {
  const span = spanOf(session);
  if (span === undefined) return [];
  const told = new Set(newsOf(session).map(nameOf));
  const missing = timeline
    .between(span.from, span.to)
    .filter((news) => isMeant(session, news) && !told.has(nameOf(news)))
    .map((news) => `${nameOf(news)} is never told`);
  const lists = session.messages
    .filter(({ isReset, revision }) => isReset && timeline.knows(revision))
    .flatMap((list) => difference(placesOf(list), timeline.placesAt(list.revision, session.service)));
  return [...missing, ...lists.map((text) => `the list of everything: ${text}`)];
}

function inOneMessage(session: WatchSession, timeline: Timeline): readonly string[] {
  const news = session.messages.filter(({ isReset }) => !isReset);
  const shared = repeated(news.flatMap(({ told }) => [...new Set(told.map(({ revision }) => String(revision)))]));
  const partial = news.flatMap(({ told }) => {
    const names = new Set(told.map(nameOf));
    return [...new Set(told.map(({ revision }) => revision))].filter((revision) =>
      timeline.at(revision).some((each) => isMeant(session, each) && !names.has(nameOf(each))),
    );
  });
  return [
    ...shared.map((revision) => `revision ${revision} is in two messages`),
    ...partial.map((revision) => `only a part of revision ${revision} is in the message`),
  ];
}

function goesOn({ run, from, fromRun, messages, end }: WatchSession): readonly string[] {
  if (from === undefined || fromRun !== run) return [];
  if (end === 'compacted' || end === 'future') return [`refused as ${end} from ${from}, which it was told`];
  return messages.some(({ isReset }) => isReset) ? [`begins again in place of going on from ${from}`] : [];
}

function neverSilent(session: WatchSession, timeline: Timeline): readonly string[] {
  const { openedAt, endedAt, messages } = session;
  const problems: string[] = [];
  let heard = openedAt;
  for (const at of [...messages.map((message) => message.at), endedAt]) {
    if (at - heard > LONGEST_SILENCE_MS) problems.push(`silent for ${Math.round(at - heard)} ms`);
    heard = at;
  }
  let last = session.from;
  for (const { revision, isReset, told } of messages) {
    const isBookmark = !isReset && told.length === 0;
    const passed = isBookmark && last !== undefined ? timeline.between(last, revision) : [];
    const hidden = passed.filter((news) => isMeant(session, news));
    problems.push(...hidden.map((news) => `a bookmark of ${revision} passes over ${nameOf(news)}`));
    last = revision;
  }
  return problems;
}

function saysThatHistoryIsGone({ run, from, fromRun, messages, end }: WatchSession): readonly string[] {
  if (from === undefined || fromRun === undefined || fromRun < 0 || fromRun === run) return [];
  if (messages.length > 0) return [`goes on from ${from}, of which history is gone, with ${messages[0]?.revision}`];
  return end === 'compacted' || end === 'cut' ? [] : [`${end} from ${from}, of which history is gone`];
}

function refusesWhatIsNotThereYet({ from, fromRun, messages, end }: WatchSession): readonly string[] {
  if (fromRun !== -1) return [];
  const isRefused = messages.length === 0 && (end === 'future' || end === 'cut');
  return isRefused ? [] : [`${end} from ${from}, which is not there yet`];
}

/** Sessions of one watcher that go on where the one before ended. */
function lineagesOf(sessions: readonly WatchSession[]): readonly WatchSession[][] {
  const lineages: WatchSession[][] = [];
  for (const own of Map.groupBy(sessions, ({ watcher }) => watcher).values()) {
    for (const session of own) {
      if (session.fromRun === -1 || session.messages.length === 0) continue;
      const current = lineages.at(-1);
      const isNext = session.from !== undefined && current?.[0]?.watcher === session.watcher;
      if (isNext) current?.push(session);
      else lineages.push([session]);
    }
  }
  return lineages;
}

/** What holds for a watcher as a whole, however often it went away and came back. */
function brokenAcross(lineage: readonly WatchSession[], timelines: ReadonlyMap<number, Timeline>): readonly Breach[] {
  const [first] = lineage;
  const last = lineage.at(-1)?.messages.at(-1);
  const timeline = first === undefined ? undefined : timelines.get(first.run);
  if (first === undefined || last === undefined || timeline === undefined) return [];
  const { watcher, service } = first;
  const twice = repeated(lineage.flatMap(newsOf).map(nameOf));
  const known = followed(lineage);
  const wrong = timeline.knows(last.revision) ? difference(known, timeline.placesAt(last.revision, service)) : [];
  return [
    ...twice.map((name) => ({ promise: 'unique' as const, watcher, what: `${name} is told again after a return` })),
    ...wrong.map((text) => ({ promise: 'resumable' as const, watcher, what: `at ${last.revision}: ${text}` })),
  ];
}

/** What somebody who believes every message has in the end. */
function followed(lineage: readonly WatchSession[]): Places {
  const places = new Map<string, number>();
  for (const { isReset, told } of lineage.flatMap(({ messages }) => messages)) {
    if (isReset) places.clear();
    for (const change of Map.groupBy(told, ({ revision }) => revision).values()) {
      // One revision may take an instance from a service and put it into another.
      for (const { instanceId } of change.filter(({ port }) => port === 0)) places.delete(instanceId);
      for (const { instanceId, port } of change) if (port !== 0) places.set(instanceId, port);
    }
  }
  return places;
}

function placesOf({ told }: WatchMessage): Places {
  return new Map(told.map(({ instanceId, port }) => [instanceId, port]));
}

/** Where what is known differs from what is. */
export function difference(known: Places, is: Places): readonly string[] {
  return [...new Set([...known.keys(), ...is.keys()])]
    .filter((id) => known.get(id) !== is.get(id))
    .map((id) => `${id} is at ${is.get(id) ?? 'no place'}, not at ${known.get(id) ?? 'none'}`);
}

function isMeant({ service }: WatchSession, told: Told): boolean {
  return service === undefined || told.service === service;
}

function nameOf({ revision, service, instanceId, port }: Told): string {
  return `${revision} ${service}/${instanceId} ${port === 0 ? 'gone' : port}`;
}

function repeated(names: readonly string[]): string[] {
  const seen = new Set<string>();
  return names.filter((name) => seen.has(name) || !seen.add(name));
}
