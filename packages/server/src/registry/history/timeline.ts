import { newsOf, spanOf, type Told, type WatchSession } from './watched.ts';

/** Ports by instance id. */
export type Places = ReadonlyMap<string, number>;

interface Moment {
  readonly revision: number;
  readonly places: Places;
}

const NOWHERE: Places = new Map();

/** What all watches of one start of the control plane together know of it: every change, and so what was there at every revision. */
export class Timeline {
  /** By revision, ascending. */
  readonly #news: ReadonlyMap<number, readonly Told[]>;
  readonly #services = new Map<string, Moment[]>();
  readonly #from: number;
  readonly #to: number;
  /** Changes that two watches tell differently. */
  readonly contradictions: readonly string[];

  constructor(sessions: readonly WatchSession[]) {
    const { news, contradictions } = unionOf(sessions);
    this.#news = news;
    this.contradictions = contradictions;
    const begin = beginningOf(sessions);
    this.#from = begin?.revision ?? Infinity;
    this.#to = begin === undefined ? -Infinity : reachOf(sessions, begin.revision);
    for (const told of begin?.told ?? []) this.#take(told, this.#from);
    for (const [revision, changes] of news) {
      // A service of which nothing was there yet has a history all the same.
      if (revision > this.#from) for (const told of changes) this.#take(told, revision);
    }
  }

  /** Whether nothing that happened up to this revision can be unknown. */
  knows(revision: number): boolean {
    return revision >= this.#from && revision <= this.#to;
  }

  /** Of one service, or of all. */
  placesAt(revision: number, service?: string): Places {
    if (service === undefined)
      return new Map([...this.#services.keys()].flatMap((name) => [...this.placesAt(revision, name)]));
    return this.#services.get(service)?.findLast((moment) => moment.revision <= revision)?.places ?? NOWHERE;
  }

  /** What one revision changed. */
  at(revision: number): readonly Told[] {
    return this.#news.get(revision) ?? [];
  }

  /** What happened after one revision and up to another. */
  between(from: number, to: number): readonly Told[] {
    return [...this.#news].flatMap(([revision, told]) => (revision > from && revision <= to ? told : []));
  }

  #take({ service, instanceId, port }: Told, revision: number): void {
    const moments = this.#services.get(service) ?? [];
    this.#services.set(service, moments);
    const places = new Map(moments.at(-1)?.places);
    if (port === 0) places.delete(instanceId);
    else places.set(instanceId, port);
    if (moments.at(-1)?.revision === revision) moments.pop();
    moments.push({ revision, places });
  }
}

function unionOf(sessions: readonly WatchSession[]): {
  readonly news: ReadonlyMap<number, readonly Told[]>;
  readonly contradictions: readonly string[];
} {
  const contradictions = new Set<string>();
  const known = new Map<string, Told>();
  for (const told of sessions.flatMap(newsOf)) {
    const { revision, instanceId, service, port } = told;
    const key = `${revision} ${service}/${instanceId}`;
    const same = known.get(key);
    if (same === undefined) known.set(key, told);
    else if (same.port !== port) contradictions.add(`${key} is ${same.port} for one watch and ${port} for another`);
  }
  const sorted = [...known.values()].sort((a, b) => a.revision - b.revision);
  return { news: Map.groupBy(sorted, ({ revision }) => revision), contradictions: [...contradictions] };
}

/** The earliest list of everything. */
function beginningOf(sessions: readonly WatchSession[]): WatchSession['messages'][number] | undefined {
  return sessions
    .flatMap(({ service, messages }) => (service === undefined ? messages.filter(({ isReset }) => isReset) : []))
    .sort((a, b) => a.revision - b.revision)[0];
}

/** How far watches of everything reach without a gap. */
function reachOf(sessions: readonly WatchSession[], begin: number): number {
  const spans = sessions
    .flatMap((session) => (session.service === undefined ? (spanOf(session) ?? []) : []))
    .sort((a, b) => a.from - b.from);
  return spans.reduce((reach, { from, to }) => (from <= reach ? Math.max(reach, to) : reach), begin);
}
