import type { Clock, CompiledDestination, Random } from '@rampart/core';

import { ResponseFlag } from '../record/flags.ts';
import type { OutgoingSignature } from '../outbound/sign/outgoing-signatures.ts';
import type { Stopwatch } from '../record/stopwatch.ts';
import type { MeshService } from '../view/endpoint.ts';
import { Deadlines } from './call/deadlines.ts';
import type { NoDestination } from './call/surroundings.ts';
import type { ClusterFigures, ClusterSource } from './group/cluster-counts.ts';
import { ServiceState } from './group/service-state.ts';
import type { Destination } from './group/service-state.ts';
import { RuledService } from './ruled-service.ts';
import type { AskedService } from './ruled-service.ts';
import type { GroupPolicy } from './settings/group-policy.ts';
import type { ServiceRules, TrafficRules } from './settings/route.ts';
import type { StandingReport, TrafficStanding } from './standing/standing.ts';

export interface TrafficOptions {
  readonly clock: Clock;
  readonly stopwatch: Pick<Stopwatch, 'elapsed'>;
  readonly random: Random;
  /** The rules of the moment; the same object as long as they are the same. */
  rules(): TrafficRules;
  /** What a name leads to for this workload, as far as it may reach it. */
  reach(host: string): MeshService | NoDestination;
  /** How requests to a service are signed, where that is asked for. */
  signature?(service: MeshService): OutgoingSignature | undefined;
  /** What stands for this workload where requests are shared by their caller. */
  caller(): string;
  /** Is told what is given no requests, once a second. */
  readonly report?: StandingReport | undefined;
}

interface Resolved {
  readonly epoch: number;
  readonly port: number;
  readonly destination: Destination;
}

const LOOK_MS = 1000;

const NO_POLICY: GroupPolicy = {};
const NO_RULES: ServiceRules = { policy: () => NO_POLICY, subset: () => undefined };
const UNAVAILABLE = 503;

/** Rules about calls, and what this data plane has seen of those they are about. */
export class Traffic implements ClusterSource {
  /** Of all requests under rules. */
  readonly deadlines: Deadlines;
  readonly #options: TrafficOptions;
  readonly #states = new Map<string, ServiceState>();
  /** By the rules about it: the last form that a service had. */
  readonly #ruled = new WeakMap<ServiceRules, RuledService>();
  readonly #resolved = new WeakMap<CompiledDestination, Resolved>();
  #epoch = 0;

  constructor(options: TrafficOptions) {
    this.#options = options;
    const { clock, stopwatch } = options;
    this.deadlines = new Deadlines({ clock, now: () => stopwatch.elapsed() });
  }

  /** One look: undefined where no rule is about the service. */
  about(service: MeshService, port: number): RuledService | undefined {
    const rules = this.#options.rules().forService(service.namespace, service.name, port);
    if (rules === undefined && this.#options.signature?.(service) === undefined) return undefined;
    const held = rules ?? NO_RULES;
    const known = this.#ruled.get(held);
    if (known?.service === service && known.port === port) return known;
    const ruled = new RuledService({ service, port, rules: held }, this, this.#options);
    this.#ruled.set(held, ruled);
    return ruled;
  }

  /** The same for a service that no rule need be about. */
  of(service: MeshService, port: number): RuledService {
    return this.about(service, port) ?? new RuledService({ service, port, rules: NO_RULES }, this, this.#options);
  }

  /** A name that is no service's, by rules that send its requests to one. */
  ruled(service: MeshService, port: number, rules: ServiceRules): RuledService {
    return new RuledService({ service, port, rules }, this, this.#options);
  }

  /** What a route of `from` names, looked up once for each state of the mesh. */
  resolve(from: AskedService, to: CompiledDestination): Destination | NoDestination {
    const known = this.#resolved.get(to);
    if (known !== undefined && known.epoch === this.#epoch && known.port === from.port) return known.destination;
    const destination = this.#find(from, to);
    if (!('status' in destination)) this.#resolved.set(to, { epoch: this.#epoch, port: from.port, destination });
    return destination;
  }

  /** Services, or who may be reached, may be others from now on. */
  changed(): void {
    this.#epoch += 1;
  }

  #find(from: AskedService, to: CompiledDestination): Destination | NoDestination {
    const service = this.#options.reach(to.host);
    if ('status' in service) return service;
    const port = to.port ?? from.port;
    const rules = this.#options.rules().forService(service.namespace, service.name, port);
    return this.destination({ service, port, rules: rules ?? NO_RULES }, to.subset);
  }

  /** What is given no requests now. */
  standing(): TrafficStanding {
    const { clock, stopwatch } = this.#options;
    const all = [...this.#states.values()].map((state) => state.standing(stopwatch.elapsed(), clock.now()));
    return {
      ejected: all.flatMap(({ ejected }) => ejected),
      breakers: all.flatMap(({ breakers }) => breakers),
      retried: all.flatMap(({ retried }) => retried),
    };
  }

  /** What rules did so far, by port and subset of each service that they are about. */
  clusters(): readonly ClusterFigures[] {
    const now = this.#options.stopwatch.elapsed();
    return [...this.#states.values()].flatMap((state) => state.clusters(now));
  }

  #lookLater(): void {
    const { clock, report } = this.#options;
    if (report === undefined) return;
    clock.after(LOOK_MS, () => {
      report.set(this.standing());
      this.#lookLater();
    });
  }

  destination({ service, port, rules }: AskedService, subset: string | undefined): Destination | NoDestination {
    const key = `${service.namespace}/${service.name}`;
    let state = this.#states.get(key);
    if (state === undefined) {
      state = new ServiceState(this.#options.random);
      if (this.#states.size === 0) this.#lookLater();
      this.#states.set(key, state);
    }
    const destination = state.destination({ service, port, rules, subset }, this.#options.stopwatch.elapsed());
    if (destination !== undefined) return destination;
    const reason = `a rule sends requests to subset "${subset ?? ''}" of ${service.host}, which no rule defines`;
    return { status: UNAVAILABLE, flag: ResponseFlag.noRoute, reason };
  }
}
