import { BoundedCache, type Clock } from '@rampart/core';
import { type Anomaly, type AnomalyKind, type AnomalyReason, type RegistryObservation, togetherOf } from './anomaly.ts';
import { neighbourhoodOf } from './network.ts';
import { Seen } from './seen.ts';
import { Window } from './window.ts';

export interface AnomalyDetectorOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** Registrations of one service within an hour from which on they are a spike. */
  readonly registrationsPerHour: () => number;
  /** Whether somebody wrote down that there is to be such a service; undefined where nobody writes down any. */
  readonly isForeseen: (service: string, namespace: string) => boolean | undefined;
}

/** The seed's query looks for more than 100 an hour. */
export const DEFAULT_REGISTRATIONS_PER_HOUR = 100;

const HOUR_MS = 3_600_000;
const FLAPPING_MS = 600_000;
/** Comings and goings of one instance in ten minutes that are no longer a restart. */
const FLAPPING_FROM = 6;
/** Remembered at least; of both, up to twice as many. */
const MOST_SERVICES = 5000;
const MOST_INSTANCES = 25_000;
const MOST_SEEN = 512;

/** How much each first says: an identity hardly ever changes, a host does with each deployment. */
const FIRST: Readonly<Record<'new-identity' | 'new-network' | 'new-host', number>> = {
  'new-identity': 0.8,
  'new-network': 0.6,
  'new-host': 0.3,
};

interface History {
  readonly identities: Seen;
  readonly networks: Seen;
  readonly hosts: Seen;
  readonly registrations: Window;
  /** Registrations at which the present spike is told of next. */
  nextSpike: number;
  spikeAt: number;
}

/** Finds what is unusual among registrations. It refuses nothing. What it remembers is bounded. */
export class AnomalyDetector {
  readonly #options: AnomalyDetectorOptions;
  readonly #services = new BoundedCache<string, History>(MOST_SERVICES);
  /** When an instance came; from the second time on, how often it came and went. Most come once, and there are many of them. */
  readonly #turns = new BoundedCache<string, number | Turns>(MOST_INSTANCES);

  constructor(options: AnomalyDetectorOptions) {
    this.#options = options;
  }

  /** What was there before: nothing about it is unusual. */
  learn(observation: RegistryObservation): void {
    const { history } = this.#historyOf(observation);
    note(history, observation);
  }

  /** What is unusual about this, if anything. */
  observe(observation: RegistryObservation): Anomaly | undefined {
    const reasons: AnomalyReason[] = [];
    const flapping = this.#flapping(observation);
    if (flapping !== undefined) reasons.push(flapping);
    if (observation.kind === 'registered') this.#registered(observation, reasons);
    if (reasons.length === 0) return undefined;
    const { kind: _, ...rest } = observation;
    reasons.sort((a, b) => b.score - a.score);
    return { ...rest, score: togetherOf(reasons), reasons };
  }

  #registered(observation: RegistryObservation, reasons: AnomalyReason[]): void {
    const { history, isNew } = this.#historyOf(observation);
    const { identities, networks, hosts } = history;
    const known = { 'new-identity': identities.size, 'new-network': networks.size, 'new-host': hosts.size };
    const firsts = note(history, observation);
    const unknown = isNew ? this.#unknown(observation) : undefined;
    if (unknown !== undefined) reasons.push(unknown);
    if (!isNew) for (const [kind, value] of firsts) reasons.push(firstSeen(kind, value, known[kind]));
    const spike = this.#spike(history);
    if (spike !== undefined) reasons.push(spike);
  }

  #unknown({ service, namespace }: RegistryObservation): AnomalyReason | undefined {
    const isForeseen = this.#options.isForeseen(service, namespace);
    if (isForeseen === true) return undefined;
    const text =
      isForeseen === undefined ? 'a service of this name was never seen' : 'never seen, and no rule names it';
    return { kind: 'unknown-service', score: isForeseen === undefined ? 0.3 : 0.7, text };
  }

  /** Told of at the threshold, and again at each doubling, within an hour. */
  #spike(history: History): AnomalyReason | undefined {
    const now = this.#options.clock.now();
    const threshold = this.#options.registrationsPerHour();
    const count = history.registrations.add(now);
    if (now - history.spikeAt >= HOUR_MS) history.nextSpike = threshold + 1;
    if (count < history.nextSpike) return undefined;
    history.nextSpike = Math.max(count + 1, history.nextSpike * 2);
    history.spikeAt = now;
    const score = Math.min(1, 0.5 + Math.log2(count / threshold) / 4);
    return {
      kind: 'registration-spike',
      score: rounded(score),
      text: `${count} registrations within an hour; more than ${threshold} are unusual`,
    };
  }

  #flapping({ instanceId }: RegistryObservation): AnomalyReason | undefined {
    const now = this.#options.clock.now();
    const known = this.#turns.get(instanceId);
    if (known === undefined) {
      this.#turns.set(instanceId, now);
      return undefined;
    }
    const turns = typeof known === 'number' ? turnsSince(known) : known;
    if (turns !== known) this.#turns.set(instanceId, turns);
    const count = turns.window.add(now);
    if (count < FLAPPING_FROM || now - turns.toldAt < FLAPPING_MS) return undefined;
    turns.toldAt = now;
    return { kind: 'flapping', score: 0.5, text: `came and went ${count} times within ten minutes` };
  }

  #historyOf({ service, namespace }: RegistryObservation): { readonly history: History; readonly isNew: boolean } {
    const key = `${namespace}/${service}`;
    const known = this.#services.get(key);
    if (known !== undefined) return { history: known, isNew: false };
    const history = newHistory(this.#options.registrationsPerHour());
    this.#services.set(key, history);
    return { history, isNew: true };
  }
}

/** How often an instance came and went. */
interface Turns {
  readonly window: Window;
  toldAt: number;
}

function turnsSince(firstAt: number): Turns {
  const window = new Window(FLAPPING_MS);
  window.add(firstAt);
  return { window, toldAt: Number.NEGATIVE_INFINITY };
}

function newHistory(threshold: number): History {
  return {
    identities: new Seen(MOST_SEEN),
    networks: new Seen(MOST_SEEN),
    hosts: new Seen(MOST_SEEN),
    registrations: new Window(HOUR_MS),
    nextSpike: threshold + 1,
    spikeAt: 0,
  };
}

type First = readonly [kind: keyof typeof FIRST, value: string];

/** Remembers what was seen, and gives what was seen for the first time. */
function note(history: History, { identity, host }: RegistryObservation): First[] {
  const firsts: First[] = [];
  if (identity !== '' && history.identities.add(identity)) firsts.push(['new-identity', identity]);
  if (host === '') return firsts;
  const network = neighbourhoodOf(host);
  const isNewHost = history.hosts.add(host);
  // A new network has new hosts only: once is enough.
  if (history.networks.add(network)) firsts.push(['new-network', network]);
  else if (isNewHost) firsts.push(['new-host', host]);
  return firsts;
}

/** The more of a kind are known, the less one more says: a service that moves about moves on. */
function firstSeen(kind: keyof typeof FIRST, value: string, known: number): AnomalyReason {
  const what: AnomalyKind = kind;
  const score = rounded(FIRST[kind] / (1 + Math.max(0, known - 1) / 8));
  return { kind: what, score, text: `first seen with ${kind.slice('new-'.length)} ${value}; ${known} known before` };
}

function rounded(score: number): number {
  return Math.round(score * 1000) / 1000;
}
