import type { Random } from '@rampart/core';

import { endpointsOn } from '../../outbound/endpoints-on.ts';
import type { MeshEndpoint, MeshService } from '../../view/endpoint.ts';
import type { Member } from '../balance/member.ts';
import { Breaker } from '../limit/breaker.ts';
import { RetryBudget } from '../retry/budget.ts';
import type { ServiceRules } from '../settings/route.ts';
import type { EjectedInstance, OpenBreaker, TrafficStanding } from '../standing/standing.ts';
import { ClusterCounts } from './cluster-counts.ts';
import type { ClusterFigures } from './cluster-counts.ts';
import { StaleAnswers } from '../stale/stale-answers.ts';
import { Group } from './group.ts';
import { Members } from './members.ts';

/** Requests to one port and subset of a service, and those that they are shared among. */
export interface Destination {
  readonly service: MeshService;
  readonly group: Group;
  readonly breaker: Breaker;
  readonly budget: RetryBudget;
  readonly counts: ClusterCounts;
  /** Earlier answers; undefined where no rule has them given. */
  readonly stale: StaleAnswers | undefined;
}

/** Ports and subsets of one service. */
const MOST_REMEMBERED = 64;

/** What this data plane knows of one service, over changes of its instances and of rules. */
export class ServiceState {
  readonly budget: RetryBudget = new RetryBudget();
  readonly #random: Random;
  readonly #breakers = new Map<string, Breaker>();
  readonly #counts = new Map<string, ClusterCounts>();
  readonly #destinations = new Map<string, Known>();
  /** By what key, how many each breaker had turned away at the last look. */
  readonly #turnedAway = new Map<string, number>();
  readonly #returns = new WeakMap<Member, { readonly ejectedUntil: number; readonly until: number }>();
  #stale: StaleAnswers | undefined;
  #members: Members | undefined;
  #service: MeshService | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Undefined where the rules know no such subset. */
  destination(asked: AskedDestination, now: number): Destination | undefined {
    const { service, rules, port, subset } = asked;
    if (service !== this.#service) {
      this.#members = new Members(service, this.#members, now);
      this.#service = service;
      this.#destinations.clear();
    }
    const key = subset === undefined ? String(port) : `${port}/${subset}`;
    const known = this.#destinations.get(key);
    if (known?.rules === rules) return known.destination;
    const destination = this.#make(asked, key);
    if (destination !== undefined && this.#breakers.has(key)) this.#destinations.set(key, { rules, destination });
    return destination;
  }

  /** What is given no requests; `now` of the clock that members are ejected by, `unixTime` the time that it is. */
  standing(now: number, unixTime: number): TrafficStanding {
    const ejected = new Map<string, EjectedInstance>();
    const breakers: OpenBreaker[] = [];
    for (const [key, { destination }] of this.#destinations) {
      const { namespace, name: service } = destination.service;
      for (const member of destination.group.ejected(now)) {
        const { instanceId } = member.endpoint;
        ejected.set(instanceId, { namespace, service, instanceId, until: this.#returnOf(member, now, unixTime) });
      }
      if (this.#isOpen(key, destination.breaker)) breakers.push({ namespace, service, subset: subsetOf(key) });
    }
    return { ejected: [...ejected.values()], breakers, retried: this.#retried(now) };
  }

  /** What rules did about requests to each port and subset; `now` as above. */
  clusters(now: number): readonly ClusterFigures[] {
    const host = this.#service?.host ?? '';
    return [...this.#counts].map(([key, counts]) => {
      const breaker = this.#breakers.get(key);
      return {
        name: `outbound|${key.split('/', 1)[0]}|${subsetOf(key)}|${host}`,
        counts,
        ejected: this.#destinations.get(key)?.destination.group.ejected(now).length ?? 0,
        isOpen: breaker?.isOpen ?? false,
        opened: breaker?.opened ?? 0,
      };
    });
  }

  #retried(now: number): TrafficStanding['retried'] {
    const lately = this.budget.spent(now);
    if (lately === 0 || this.#service === undefined) return [];
    const { namespace, name: service } = this.#service;
    return [{ namespace, service, lately }];
  }

  /** In Unix milliseconds; the same at every look, although clocks of two sorts drift apart. */
  #returnOf(member: Member, now: number, unixTime: number): number {
    const known = this.#returns.get(member);
    if (known?.ejectedUntil === member.ejectedUntil) return known.until;
    const until = Math.round(unixTime + member.ejectedUntil - now);
    this.#returns.set(member, { ejectedUntil: member.ejectedUntil, until });
    return until;
  }

  /** A breaker that is full for a moment is still worth a word a moment later. */
  #isOpen(key: string, breaker: Breaker): boolean {
    const before = this.#turnedAway.get(key) ?? 0;
    this.#turnedAway.set(key, breaker.turnedAway);
    return breaker.isOpen || breaker.turnedAway > before;
  }

  #make({ service, rules, port, subset }: AskedDestination, key: string): Destination | undefined {
    const members = this.#members;
    const labels = subset === undefined ? undefined : rules.subset(subset);
    if (members === undefined || (subset !== undefined && labels === undefined)) return undefined;
    const onPort = endpointsOn(service, port);
    const endpoints = onPort.filter((endpoint) => hasLabels(endpoint, labels));
    const policy = rules.policy(subset);
    const breaker = this.#breakers.get(key) ?? new Breaker();
    const { limits, retryBudget } = policy;
    breaker.settings = retryBudget === undefined ? (limits ?? {}) : { ...limits, retryBudget };
    const counts = this.#counts.get(key) ?? new ClusterCounts();
    // Callers may ask for any port: of those that nobody serves only a few are remembered.
    if (onPort.length > 0 || this.#breakers.size < MOST_REMEMBERED) {
      this.#breakers.set(key, breaker);
      this.#counts.set(key, counts);
    }
    const chosen = endpoints.map((endpoint) => members.of(endpoint)).filter((member) => member !== undefined);
    this.#stale = policy.fallback?.staleMs === undefined ? undefined : (this.#stale ?? new StaleAnswers());
    const group = new Group(chosen, policy, this.#random);
    return { service, group, breaker, budget: this.budget, counts, stale: this.#stale };
  }
}

function subsetOf(key: string): string {
  const at = key.indexOf('/');
  return at === -1 ? '' : key.slice(at + 1);
}

interface Known {
  readonly rules: ServiceRules;
  readonly destination: Destination;
}

export interface AskedDestination {
  readonly service: MeshService;
  readonly rules: ServiceRules;
  readonly port: number;
  readonly subset: string | undefined;
}

function hasLabels({ labels }: MeshEndpoint, wanted: Readonly<Record<string, string>> | undefined): boolean {
  if (wanted === undefined) return true;
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}
