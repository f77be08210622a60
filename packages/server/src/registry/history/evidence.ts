import { EARLY_MS } from './judgement.ts';
import type { History, Look, Write } from './observations.ts';
import { newsOf, type Told, type WatchMessage, type WatchSession } from './watched.ts';
import { ALL } from './workload.ts';

const LEASES: ReadonlyMap<string, number> = new Map(ALL.map(({ instanceId, leaseMs }) => [instanceId, leaseMs]));

/** What a look saw and had to see, whoever else called meanwhile: a registration that nothing can have ended or replaced. */
export class Standing {
  readonly #writes: ReadonlyMap<string, readonly Write[]>;
  readonly #history: History;

  constructor(history: History) {
    this.#history = history;
    this.#writes = Map.groupBy(history.writes, ({ instanceId }) => instanceId);
  }

  /** The registration of an instance that a look had to see at this port; undefined where it may have seen something else. */
  of({ service, from, to }: Look, [instanceId, port]: Look['places'][number]): Write | undefined {
    const own = this.#writes.get(instanceId) ?? [];
    const registration = own.find(
      ({ action }) => action.kind === 'register' && action.place.port === port && action.place.service === service,
    );
    if (registration?.to === undefined || registration.to >= from) return undefined;
    const leaseMs = LEASES.get(instanceId) ?? 0;
    if (leaseMs !== 0 && to >= registration.from + leaseMs - EARLY_MS) return undefined;
    const isAlone = own.every(
      (other) => other === registration || this.#isBefore(other, registration) || other.from > to,
    );
    return isAlone ? registration : undefined;
  }

  /** A write without an answer may come about for as long as its control plane is there. */
  #isBefore({ to, run }: Write, { from }: Write): boolean {
    return (to ?? this.#history.runs[run]?.goneAt ?? Infinity) < from;
  }
}

/** Looks at a service of which others saw the same revision. */
export function comparable({ looks }: History): ReadonlySet<Look> {
  const known = looks.filter(({ revision }) => revision !== undefined);
  const alike = Map.groupBy(known, ({ run, service, revision }) => `${run} ${service} ${revision}`);
  return new Set([...alike.values()].flatMap((each) => (each.length > 1 ? each : [])));
}

/** News that more than one watch of a start of the control plane told. */
export class SharedNews {
  readonly #tellers = new Map<string, Set<WatchSession>>();

  constructor({ sessions }: History) {
    for (const session of sessions) {
      for (const told of newsOf(session)) {
        const name = nameOf(session, told);
        this.#tellers.set(name, (this.#tellers.get(name) ?? new Set()).add(session));
      }
    }
  }

  /** Whether another watch told this, too. */
  has(session: WatchSession, told: Told): boolean {
    return (this.#tellers.get(nameOf(session, told))?.size ?? 0) > 1;
  }

  /** The same of anything in a message. */
  hasSome(session: WatchSession, { told }: WatchMessage): boolean {
    return told.some((each) => this.has(session, each));
  }
}

function nameOf({ run }: WatchSession, { revision, service, instanceId }: Told): string {
  return `${run} ${revision} ${service}/${instanceId}`;
}
