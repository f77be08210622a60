import type { Random } from '@rampart/core';

import { endpointsOn } from '../../outbound/endpoints-on.ts';
import type { MeshEndpoint, MeshService } from '../../view/endpoint.ts';
import { Breaker } from '../limit/breaker.ts';
import { RetryBudget } from '../retry/budget.ts';
import type { ServiceRules } from '../settings/route.ts';
import { Group } from './group.ts';
import { Members } from './members.ts';

/** Requests to one port and subset of a service, and those that they are shared among. */
export interface Destination {
  readonly service: MeshService;
  readonly group: Group;
  readonly breaker: Breaker;
  readonly budget: RetryBudget;
}

/** What this data plane knows of one service, over changes of its instances and of rules. */
export class ServiceState {
  readonly budget: RetryBudget = new RetryBudget();
  readonly #random: Random;
  readonly #breakers = new Map<string, Breaker>();
  readonly #destinations = new Map<string, Known>();
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
    if (destination !== undefined) this.#destinations.set(key, { rules, destination });
    return destination;
  }

  get destinations(): readonly Destination[] {
    return [...this.#destinations.values()].map(({ destination }) => destination);
  }

  #make({ service, rules, port, subset }: AskedDestination, key: string): Destination | undefined {
    const members = this.#members;
    const labels = subset === undefined ? undefined : rules.subset(subset);
    if (members === undefined || (subset !== undefined && labels === undefined)) return undefined;
    const endpoints = endpointsOn(service, port).filter((endpoint) => hasLabels(endpoint, labels));
    const policy = rules.policy(subset);
    const breaker = this.#breakers.get(key) ?? new Breaker();
    breaker.settings = policy.limits ?? {};
    this.#breakers.set(key, breaker);
    const chosen = endpoints.map((endpoint) => members.of(endpoint)).filter((member) => member !== undefined);
    return { service, group: new Group(chosen, policy, this.#random), breaker, budget: this.budget };
  }
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
