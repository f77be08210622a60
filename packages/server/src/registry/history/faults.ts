import { comparable, SharedNews, Standing } from './evidence.ts';
import type { Rule } from './judgement.ts';
import type { History, Look, Streamed, Write } from './observations.ts';
import { missedSomething, type Told, type WatchMessage, type WatchSession } from './watched.ts';

/**
 * Something between a registry and those who look at it that does not do its work: one history for each place where nothing but
 * the fault explains what was seen. A late answer may be the answer to a call of the same moment, and a change that one watch told
 * may be as it said.
 */
interface Fault {
  readonly caught: Rule;
  readonly of: (history: History) => Iterable<History>;
}

/** What a judge of histories must notice, by what goes wrong. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  'a find that answers with what was there before': { caught: 'linearizable', of: withStaleAnswer },
  'an answer of DNS that lacks an instance': {
    caught: 'linearizable',
    of: (history) =>
      withStanding(history, ({ look, registration: { instanceId } }) =>
        look.revision === undefined
          ? withLook(history, look, { ...look, places: look.places.filter(([id]) => id !== instanceId) })
          : undefined,
      ),
  },
  'a registration that was acknowledged and is lost': { caught: 'linearizable', of: withLostRegistration },
  'an instance that nobody registered': { caught: 'linearizable', of: withUnknownRegistration },
  'an answer with the revision of another': {
    caught: 'consistent',
    of: (history) => {
      const compared = comparable(history);
      return withLooks(
        history,
        (look) => compared.has(look) && look.places.length > 0,
        (look) => ({ ...look, places: look.places.slice(1) }),
      );
    },
  },
  'an answer with an instance twice': {
    caught: 'consistent',
    of: (history) =>
      withLooks(
        history,
        ({ revision, places }) => revision !== undefined && places.length > 0,
        (look) => ({ ...look, places: [...look.places, ...look.places] }),
      ),
  },
  'a blocking query that wakes for another service': {
    caught: 'blocking',
    of: (history) =>
      withLooks(
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
      return [{ ...history, failures: [...history.failures, failure] }];
    },
  },
  'two messages of a watch in the wrong order': {
    caught: 'ordered',
    of: (history) =>
      withMessages(history, 2, { change: (all) => [...all.slice(1, 2), ...all.slice(0, 1), ...all.slice(2)] }),
  },
  'a message of a watch that comes twice': {
    caught: 'unique',
    of: (history) => withMessages(history, 1, { change: (all) => [...all.slice(0, 1), ...all] }),
  },
  'a message of a watch that is lost': {
    caught: 'reliable',
    of: (history) => {
      const shared = new SharedNews(history);
      return withMessages(history, 3, {
        isMeant: (session, [, lost]) => lost !== undefined && shared.hasSome(session, lost),
        change: (all) => all.toSpliced(1, 1),
      });
    },
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
      withSessions(
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
      withSessions(
        history,
        () => true,
        (session) => ({ ...session, endedAt: session.endedAt + 60_000 }),
      ),
  },
  'a restart that hides that history is gone': {
    caught: 'compacted',
    of: (history) =>
      withSessions(
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
      withSessions(
        history,
        ({ end }) => end === 'future',
        (session) => ({ ...session, end: 'left' }),
      ),
  },
};

function replaced<T>(values: readonly T[], value: T, by: T): readonly T[] {
  return values.map((each) => (each === value ? by : each));
}

function withLook(history: History, look: Look, changed: Look): History {
  return { ...history, looks: replaced(history.looks, look, changed) };
}

function* withLooks(
  history: History,
  isMeant: (look: Look) => boolean,
  change: (look: Look) => Look,
): Generator<History> {
  for (const look of history.looks) if (isMeant(look)) yield withLook(history, look, change(look));
}

interface StandingPlace {
  readonly look: Look;
  readonly registration: Write;
  readonly port: number;
}

/** For each place that a look had to see. */
function* withStanding(history: History, change: (place: StandingPlace) => History | undefined): Generator<History> {
  const standing = new Standing(history);
  for (const look of history.looks) {
    for (const place of look.places) {
      const registration = standing.of(look, place);
      const changed = registration === undefined ? undefined : change({ look, registration, port: place[1] });
      if (changed !== undefined) yield changed;
    }
  }
}

/** The same caller's earlier answer, from before the registration. */
function withStaleAnswer(history: History): Iterable<History> {
  const looks = Map.groupBy(history.looks, ({ by, service }) => `${by} ${service}`);
  return withStanding(history, ({ look, registration }) => {
    const old = looks
      .get(`${look.by} ${look.service}`)
      ?.find(({ to, places }) => to < registration.from && places.length > 0);
    return old === undefined || look.revision === undefined
      ? undefined
      : withLook(history, look, { ...look, places: old.places });
  });
}

/** Nobody who looked after a registration sees it. */
function withLostRegistration(history: History): Iterable<History> {
  return withStanding(history, ({ registration: { instanceId, to = Infinity }, port }) => {
    const isLost = ([id, at]: Look['places'][number]): boolean => id === instanceId && at === port;
    const looks = history.looks.map((look) =>
      look.from > to && look.places.some(isLost)
        ? { ...look, places: look.places.filter((place) => !isLost(place)) }
        : look,
    );
    return { ...history, looks };
  });
}

/** The record of a registration is taken away, and what others saw of it stays. */
function* withUnknownRegistration(history: History): Generator<History> {
  const { writes, looks } = history;
  const seen = new Set(looks.flatMap(({ places }) => places.map(([id, port]) => `${id}:${port}`)));
  for (const lost of writes) {
    const { action, instanceId } = lost;
    if (action.kind === 'register' && seen.has(`${instanceId}:${action.place.port}`))
      yield { ...history, writes: writes.filter((write) => write !== lost) };
  }
}

function* withStreamTurnedBack(history: History): Generator<History> {
  for (const own of Map.groupBy(history.streamed, ({ by }) => by).values()) {
    const isMoving = new Set(own.map(({ revision }) => revision)).size > 1;
    if (isMoving) yield { ...history, streamed: own.toReversed() satisfies Streamed[] };
  }
}

function* withSessions(
  history: History,
  isMeant: (session: WatchSession) => boolean,
  change: (session: WatchSession) => WatchSession,
): Generator<History> {
  for (const session of history.sessions) {
    if (isMeant(session)) yield { ...history, sessions: replaced(history.sessions, session, change(session)) };
  }
}

interface MessageChange {
  /** All of them unless given. */
  isMeant?(session: WatchSession, messages: readonly WatchMessage[]): boolean;
  /** Of the messages that are meant and all that follow. */
  change(messages: readonly WatchMessage[]): readonly WatchMessage[];
}

/** Changes consecutive messages with news, at least so many, of a watch of everything. */
function* withMessages(
  history: History,
  count: number,
  { isMeant = () => true, change }: MessageChange,
): Generator<History> {
  const isNews = ({ isReset, told }: WatchMessage): boolean => !isReset && told.length > 0;
  for (const session of history.sessions) {
    const { service, messages } = session;
    for (const start of service === undefined ? messages.keys() : []) {
      const some = messages.slice(start, start + count);
      if (some.length < count || !some.every(isNews) || !isMeant(session, some)) continue;
      const changed = { ...session, messages: [...messages.slice(0, start), ...change(messages.slice(start))] };
      yield { ...history, sessions: replaced(history.sessions, session, changed) };
    }
  }
}

/** Changes what a message says that others say, too. */
function withTold(history: History, change: (told: readonly Told[]) => readonly Told[]): Iterable<History> {
  const shared = new SharedNews(history);
  return withMessages(history, 1, {
    isMeant: (session, [message]) => message !== undefined && shared.hasSome(session, message),
    change: (all) => all.map((message, index) => (index === 0 ? { ...message, told: change(message.told) } : message)),
  });
}

/** An instance leaves one service and comes into another: two changes of one revision. */
function* withRevisionInTwo(history: History): Generator<History> {
  for (const session of history.sessions) {
    for (const [at, message] of session.service === undefined ? session.messages.entries() : []) {
      const { isReset, told } = message;
      const cut = told.findIndex(({ revision }, index) => told[index + 1]?.revision === revision) + 1;
      if (isReset || cut === 0) continue;
      const parts = [told.slice(0, cut), told.slice(cut)].map((part) => ({ ...message, told: part }));
      const changed = { ...session, messages: session.messages.toSpliced(at, 1, ...parts) };
      yield { ...history, sessions: replaced(history.sessions, session, changed) };
    }
  }
}

/** Of a watcher that came back, the first message lacks its last revision; it is the last that the watcher hears. */
function* withChangeLostMeanwhile(history: History): Generator<History> {
  const shared = new SharedNews(history);
  for (const [index, session] of history.sessions.entries()) {
    const [first] = session.messages;
    if (first === undefined || !missedSomething(session)) continue;
    const lost = first.told.filter(({ revision }) => revision === first.told.at(-1)?.revision);
    if (!lost.every((told) => shared.has(session, told))) continue;
    const shorter = { ...session, messages: [{ ...first, told: first.told.slice(0, -lost.length) }] };
    const before = history.sessions.filter(({ watcher }, at) => at < index || watcher !== session.watcher);
    yield { ...history, sessions: [...before, shorter] };
  }
}
