import type { History, Look, Streamed, Write } from './observations.ts';
import type { Rule } from './judgement.ts';
import { missedSomething, type Told, type WatchMessage, type WatchSession } from './watched.ts';

/** Something between a registry and those who look at it that does not do its work; undefined when a history has no place for it. */
interface Fault {
  readonly caught: Rule;
  readonly of: (history: History) => History | undefined;
}

/** What a judge of histories must notice, by what goes wrong. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  'a find that answers with what was there before': {
    caught: 'linearizable',
    of: (history) => withLook(history, ({ revision }) => revision !== undefined, stale),
  },
  'an answer of DNS that lacks an instance': {
    caught: 'linearizable',
    of: (history) =>
      withLook(
        history,
        (look) => look.revision === undefined && look.places.length > 0 && isSettled(look, history),
        (look) => ({ ...look, places: look.places.slice(1) }),
      ),
  },
  'a registration that was acknowledged and is lost': { caught: 'linearizable', of: withLostRegistration },
  'an instance that nobody registered': { caught: 'linearizable', of: withUnknownRegistration },
  'an answer with the revision of another': {
    caught: 'consistent',
    of: (history) =>
      withLook(
        history,
        ({ revision, places }) => revision !== undefined && places.length > 1,
        (look) => ({ ...look, places: look.places.slice(1) }),
      ),
  },
  'an answer with an instance twice': {
    caught: 'consistent',
    of: (history) =>
      withLook(
        history,
        ({ revision, places }) => revision !== undefined && places.length > 0,
        (look) => ({ ...look, places: [...look.places, ...look.places] }),
      ),
  },
  'a blocking query that wakes for another service': {
    caught: 'blocking',
    of: (history) =>
      withLook(
        history,
        ({ since }) => since !== undefined && since > 0,
        ({ since = 0, ...look }) => ({ ...look, since, revision: since }),
      ),
  },
  'a control stream that goes back': { caught: 'streamed', of: withStreamTurnedBack },
  'a call that fails for no reason': {
    caught: 'available',
    of: (history) => {
      const failure = { by: 'somebody', run: 0, at: 0, text: 'no reason' };
      return { ...history, failures: [...history.failures, failure] };
    },
  },
  'two messages of a watch in the wrong order': {
    caught: 'ordered',
    of: (history) => withMessages(history, 2, (all) => [...all.slice(1, 2), ...all.slice(0, 1), ...all.slice(2)]),
  },
  'a message of a watch that comes twice': {
    caught: 'unique',
    of: (history) => withMessages(history, 1, (all) => [...all.slice(0, 1), ...all]),
  },
  'a message of a watch that is lost': {
    caught: 'reliable',
    of: (history) => withMessages(history, 3, (all) => all.toSpliced(1, 1)),
  },
  'a watch that tells a change as another': {
    caught: 'reliable',
    of: (history) => withTold(history, (told) => told.map((each) => ({ ...each, port: each.port + 1 }))),
  },
  'a revision that comes in two messages': { caught: 'atomic', of: withRevisionInTwo },
  'a change that is lost while a watcher is away': { caught: 'resumable', of: withChangeLostMeanwhile },
  'a watch that begins again when it should go on': {
    caught: 'resumable',
    of: (history) =>
      withSession(
        history,
        ({ from, fromRun, run, messages }) => from !== undefined && fromRun === run && messages.length > 0,
        (session) => ({ ...session, messages: session.messages.map((message) => ({ ...message, isReset: true })) }),
      ),
  },
  'a bookmark that passes over a change': {
    caught: 'bookmarkable',
    of: (history) => withTold(history, () => []),
  },
  'a watch that hears nothing for long': {
    caught: 'bookmarkable',
    of: (history) =>
      withSession(
        history,
        () => true,
        (session) => ({ ...session, endedAt: session.endedAt + 60_000 }),
      ),
  },
  'a restart that hides that history is gone': {
    caught: 'compacted',
    of: (history) =>
      withSession(
        history,
        ({ end, fromRun = -1 }) => end === 'compacted' && fromRun >= 0,
        (session) => {
          const bookmark = { at: session.openedAt, revision: (session.from ?? 0) + 1, isReset: false, told: [] };
          return { ...session, messages: [bookmark], end: 'left' };
        },
      ),
  },
  'a revision of the future that is taken': {
    caught: 'future',
    of: (history) =>
      withSession(
        history,
        ({ end }) => end === 'future',
        (session) => ({ ...session, end: 'left' }),
      ),
  },
};

function replaced<T>(values: readonly T[], index: number, value: T): readonly T[] {
  return values.map((each, at) => (at === index ? value : each));
}

function withLook(
  history: History,
  isMeant: (look: Look) => boolean,
  change: (look: Look, history: History) => Look | undefined,
): History | undefined {
  for (const [index, look] of history.looks.entries()) {
    const changed = isMeant(look) ? change(look, history) : undefined;
    if (changed !== undefined) return { ...history, looks: replaced(history.looks, index, changed) };
  }
  return undefined;
}

/** The same caller's earlier answer, where an instance was registered and both were over in between. */
function stale(look: Look, { looks, writes }: History): Look | undefined {
  const old = looks.find(
    ({ by, service, to, places }) =>
      by === look.by &&
      service === look.service &&
      places.length > 0 &&
      writes.some(
        (write) =>
          write.action.kind === 'register' &&
          write.action.place.service === service &&
          write.from > to &&
          (write.to ?? Infinity) < look.from &&
          look.places.some(([id, port]) => id === write.instanceId && samePort(write.action, port)),
      ),
  );
  return old === undefined ? undefined : { ...look, places: old.places };
}

function samePort(action: History['writes'][number]['action'], port: number): boolean {
  return action.kind === 'register' && action.place.port === port;
}

/** Nobody did anything to the first instance of the look meanwhile. */
function isSettled({ from, to, places }: Look, { writes, runs }: History): boolean {
  const [id] = places[0] ?? [];
  return writes.every(
    (write) => write.instanceId !== id || (write.to ?? runs[write.run]?.goneAt ?? Infinity) < from || write.from > to,
  );
}

/** Nobody who looked after the last registration of an instance sees it. */
function withLostRegistration(history: History): History | undefined {
  const { writes, looks } = history;
  const newest = new Map<string, Write>();
  for (const write of writes) {
    const before = newest.get(write.instanceId);
    if (before === undefined || write.from > before.from) newest.set(write.instanceId, write);
  }
  // The sooner it was seen, the less could its lease have ended; while nobody ran to keep it, it could always.
  const seen = looks
    .flatMap(({ places, from, run }) => places.map(([id]) => ({ id, write: newest.get(id), from, run })))
    .filter(({ write, from, run }) => write?.run === run && write.to !== undefined && from > write.to)
    .filter(({ write }) => write?.action.kind === 'register')
    .sort((a, b) => a.from - (a.write?.to ?? 0) - (b.from - (b.write?.to ?? 0)));
  const { id, write: { to } = {} } = seen[0] ?? {};
  if (to === undefined) return undefined;
  const forgetful = looks.map((look) =>
    look.from > to ? { ...look, places: look.places.filter(([each]) => each !== id) } : look,
  );
  return { ...history, looks: forgetful };
}

/** The record of a registration is taken away, and what others saw of it stays. */
function withUnknownRegistration(history: History): History | undefined {
  const { writes, looks } = history;
  const seen = looks.flatMap(({ by, places, from }) => places.map(([id, port]) => ({ by, id, port, from })));
  const lost = writes.find(
    ({ action, instanceId, to }) =>
      to !== undefined &&
      action.kind === 'register' &&
      seen.some(({ id, port, from }) => id === instanceId && port === action.place.port && from > to),
  );
  return lost === undefined ? undefined : { ...history, writes: writes.filter((write) => write !== lost) };
}

function withStreamTurnedBack(history: History): History | undefined {
  const [by] = history.streamed.map((message) => message.by);
  const own = history.streamed.filter((message) => message.by === by);
  return { ...history, streamed: own.toReversed() satisfies Streamed[] };
}

function withSession(
  history: History,
  isMeant: (session: WatchSession) => boolean,
  change: (session: WatchSession) => WatchSession,
): History | undefined {
  const index = history.sessions.findIndex(isMeant);
  const session = history.sessions[index];
  if (session === undefined) return undefined;
  return { ...history, sessions: replaced(history.sessions, index, change(session)) };
}

/** Changes consecutive messages with news, at least so many, of a watch of everything. */
function withMessages(
  history: History,
  count: number,
  change: (messages: readonly WatchMessage[]) => readonly WatchMessage[],
): History | undefined {
  const isNews = ({ isReset, told }: WatchMessage): boolean => !isReset && told.length > 0;
  const startIn = ({ service, messages }: WatchSession): number =>
    service === undefined
      ? messages.findIndex((_, at) => {
          const some = messages.slice(at, at + count);
          return some.length === count && some.every(isNews);
        })
      : -1;
  return withSession(
    history,
    (session) => startIn(session) >= 0,
    (session) => {
      const start = startIn(session);
      const { messages } = session;
      return { ...session, messages: [...messages.slice(0, start), ...change(messages.slice(start))] };
    },
  );
}

function withTold(history: History, change: (told: readonly Told[]) => readonly Told[]): History | undefined {
  return withMessages(history, 1, (all) =>
    all.map((message, index) => (index === 0 ? { ...message, told: change(message.told) } : message)),
  );
}

/** An instance leaves one service and comes into another: two changes of one revision. */
function withRevisionInTwo(history: History): History | undefined {
  const isPair = ({ isReset, told }: WatchMessage): boolean =>
    !isReset && told.some(({ revision }, index) => told[index + 1]?.revision === revision);
  return withSession(
    history,
    ({ service, messages }) => service === undefined && messages.some(isPair),
    (session) => {
      const at = session.messages.findIndex(isPair);
      const message = session.messages[at];
      if (message === undefined) return session;
      const { told } = message;
      const cut = told.findIndex(({ revision }, index) => told[index + 1]?.revision === revision) + 1;
      const parts = [told.slice(0, cut), told.slice(cut)].map((part) => ({ ...message, told: part }));
      return { ...session, messages: [...session.messages.slice(0, at), ...parts, ...session.messages.slice(at + 1)] };
    },
  );
}

/** Of a watcher that came back, the first message lacks its last change; it is the last that the watcher hears. */
function withChangeLostMeanwhile(history: History): History | undefined {
  const index = history.sessions.findLastIndex(missedSomething);
  const session = history.sessions[index];
  const first = session?.messages[0];
  if (session === undefined || first === undefined) return undefined;
  const shorter = { ...session, messages: [{ ...first, told: first.told.slice(0, -1) }] };
  const before = history.sessions.filter(({ watcher }, at) => at < index || watcher !== session.watcher);
  return { ...history, sessions: [...before, shorter] };
}
