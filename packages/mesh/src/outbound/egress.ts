import { parseIpAddress, plainAddress } from '@rampart/core';
import type { NetworkPeerFacts, Verdict } from '@rampart/core';

import type { LocalInstance, LocalInstances } from '../control/instances.ts';
import type { MeshEndpoint, MeshService } from '../view/endpoint.ts';
import type { MeshView } from '../view/mesh-view.ts';
import { ResponseFlag } from '../record/flags.ts';
import type { EgressRefusal } from './egress-denied.ts';
import { isNameOfThisHost, outsideName } from './resolve.ts';

/** What of a service this workload may connect to. */
export interface Reach {
  /** The service with those instances only. */
  readonly service: MeshService;
  /** Why the others are out of reach; undefined when none is. */
  readonly refusal: Verdict | undefined;
}

/**
 * Where NetworkPolicies let this workload connect to: instances of the mesh by what the registry knows of them, anything
 * else by its address alone. It binds an honest process; what holds against any other is the destination's own ingress.
 */
export class Egress {
  readonly #view: MeshView;
  readonly #instances: LocalInstances;
  #reaches = new WeakMap<MeshService, Reach>();
  #revision = -1;

  constructor(view: MeshView, instances: LocalInstances) {
    this.#view = view;
    this.#instances = instances;
  }

  /** False while every address may be reached. */
  get isLimited(): boolean {
    const { network, quarantine } = this.#view.policy;
    return network.isolatesEgress || quarantine.own !== undefined;
  }

  get #mayRefuseInstances(): boolean {
    return this.isLimited || this.#view.policy.quarantine.isActive;
  }

  /** Judges the instances of a service once for each revision; undefined while everything may be reached. */
  reach(service: MeshService): Reach | undefined {
    if (!this.#mayRefuseInstances) return undefined;
    if (this.#revision !== this.#view.revision) {
      this.#revision = this.#view.revision;
      this.#reaches = new WeakMap();
    }
    let reach = this.#reaches.get(service);
    if (reach === undefined) {
      reach = this.#judge(service);
      this.#reaches.set(service, reach);
    }
    return reach;
  }

  /** A DENY verdict when this workload may not connect to the instance. */
  toEndpoint({ namespace }: MeshService, endpoint: MeshEndpoint): Verdict | undefined {
    if (!this.#mayRefuseInstances || this.#instances.all.some(({ instanceId }) => instanceId === endpoint.instanceId)) {
      return undefined;
    }
    const facts: NetworkPeerFacts = {
      ip: reachedAddress(endpoint.host),
      principal: endpoint.spiffeId.principal,
      namespace,
      labels: endpoint.labels,
      namespaceLabels: this.#view.peers.namespaceLabels(namespace),
    };
    const { network, quarantine } = this.#view.policy;
    return quarantine.own ?? quarantine.of(endpoint.spiffeId.principal) ?? network.dial(facts, endpoint.port);
  }

  /** A DENY verdict when this workload may not connect to an address outside the mesh. */
  toAddress(address: string, port: number): Verdict | undefined {
    if (!this.isLimited) return undefined;
    const ip = reachedAddress(address);
    if (this.#instances.all.some((instance) => instance.port === port && answersAt(instance, ip))) return undefined;
    const { network, quarantine } = this.#view.policy;
    return quarantine.own ?? network.dial({ ip }, port);
  }

  /** True while hosts outside the mesh must be known to it. */
  get isRegistryOnly(): boolean {
    return this.#view.traffic.outbound === 'REGISTRY_ONLY';
  }

  /**
   * A denial when this workload may not leave the mesh for a host, as it was named by who calls it. Beside it stands what
   * NetworkPolicies say of its address. What stays on this machine leaves nothing.
   */
  toOutside(host: string, port: number): EgressRefusal | undefined {
    if (!this.isRegistryOnly || !this.leaves(host)) return undefined;
    const { traffic } = this.#view;
    const reason = traffic.outsideProblem(outsideName(host), port === 0 ? HTTP_PORT : port);
    return reason === undefined ? undefined : { ...UNKNOWN, policy: traffic.meshConfig, reason };
  }

  /** Whether what is called by this name is on another machine, as far as names tell. */
  leaves(host: string): boolean {
    const named = outsideName(host);
    return !isNameOfThisHost(named) && !isOwn(named);
  }

  #judge(service: MeshService): Reach {
    let refusal: Verdict | undefined;
    const endpoints = service.endpoints.filter((endpoint) => {
      const verdict = this.toEndpoint(service, endpoint);
      refusal ??= verdict;
      return verdict === undefined;
    });
    return { service: refusal === undefined ? service : { ...service, endpoints }, refusal };
  }
}

/** Where a connection arrives: systems take one to an unspecified address to this host (RFC 1122 §3.2.1.3). */
function reachedAddress(address: string): string {
  const words = parseIpAddress(address);
  if (words?.every((word) => word === 0) !== true) return plainAddress(address);
  return words.length === 1 ? '127.0.0.1' : '::1';
}

/** Whether it is this very process that answers there: connections to it leave nobody. */
function answersAt({ host }: LocalInstance, ip: string): boolean {
  return host === ip || (isLoopback(ip) && !isLoopback(host));
}

/** Of a request that names none. */
const HTTP_PORT = 80;

/** As Envoy records what goes to Istio's BlackHoleCluster. */
const UNKNOWN: EgressRefusal = {
  decision: 'DENY',
  policy: '',
  rule: -1,
  action: '',
  reason: '',
  audit: [],
  dryRun: [],
  dryRunDecision: '',
  mode: '',
  flag: ResponseFlag.noInstance,
};

/** An address at which nobody but this host answers. */
function isOwn(host: string): boolean {
  return parseIpAddress(host) !== undefined && isLoopback(reachedAddress(host));
}

function isLoopback(ip: string): boolean {
  return ip === '::1' || ip.startsWith('127.');
}
