import type { RevocableCertificate, RevocationRule } from '@rampart/spiffe';
import { compileWorkloadPolicy, denyAll, shutNetwork } from '@rampart/core';
import type { PolicyFeature, Resource, TrafficRules, SigningRule, WorkloadPolicy, WorkloadRef } from '@rampart/core';

import { type ForeignBundle, ForeignTrust } from '../identity/foreign-trust.ts';
import type { MeshService } from './endpoint.ts';
import { HeldTraffic, isTrafficKey } from './held-traffic.ts';
import { SigningRules } from '../outbound/sign/signing-rules.ts';
import { Peers } from './peers.ts';
import type { PeersUpdate } from './peers.ts';
import { Revocations } from './revocations.ts';

/** One step of the control stream, already parsed. */
export interface MeshUpdate {
  readonly revision: number;
  /** Everything held before is dropped first. */
  readonly reset: boolean;
  /** Resource by key; undefined deletes it, a string says why it cannot be read. */
  readonly resources: readonly (readonly [key: string, resource: Resource | string | undefined])[];
  readonly services: readonly MeshService[];
  readonly revokedSerials: readonly string[];
  /** Of each of `revokedSerials`, in the same order: numbers of CRLReason. */
  readonly revocationReasons?: readonly number[];
  readonly revocationRules?: readonly RevocationRule[];
  /** Only for workloads that NetworkPolicies are about. */
  readonly peers?: PeersUpdate;
  /** All bundles of federated trust domains, where one of them changed. */
  readonly foreignBundles?: readonly ForeignBundle[];
  /** All that callers are asked to sign, where some of it changed. */
  readonly signing?: readonly SigningRule[];
}

export interface MeshViewOptions {
  readonly rootNamespace: string;
  readonly capabilities: readonly PolicyFeature[];
  /** Why everything is refused until the first snapshot. */
  readonly notReady?: string;
}

/** What a change was about, so that listeners do only the work it asks for. */
export interface MeshChange {
  readonly policy: boolean;
  /** Where calls may go, and how. */
  readonly traffic: boolean;
  readonly revocations: boolean;
  /** Who peers are, for NetworkPolicies. */
  readonly peers: boolean;
  /** Which other trust domains are known, and by which roots. */
  readonly foreignTrust: boolean;
  readonly services: readonly MeshService[];
  /** Instances that served before this change and do not any more. */
  readonly gone: ReadonlySet<string>;
}

const NEVER =
  'this workload has never received a policy snapshot from the control plane; check RAMPART_CONTROL_PLANE and that the control plane is up';

/** What a service is held under: "namespace/name". */
export type ServiceKey = string;

export function serviceKey({ namespace, name }: Pick<MeshService, 'namespace' | 'name'>): ServiceKey {
  return `${namespace}/${name}`;
}

/** The last good snapshot: policies compiled for this workload, services, revocations. Survives the control plane's absence. */
export class MeshView {
  /** Who callers are, for NetworkPolicies. */
  readonly peers: Peers = new Peers();
  readonly foreignTrust: ForeignTrust = new ForeignTrust();
  /** What this workload is asked to sign. */
  readonly signing: SigningRules = new SigningRules();
  readonly #options: MeshViewOptions;
  readonly #resources = new Map<string, Resource | string>();
  readonly #services = new Map<ServiceKey, MeshService>();
  readonly #revocations = new Revocations();
  readonly #traffic: HeldTraffic;
  readonly #listeners = new Set<(change: MeshChange) => void>();
  readonly #followers = new Set<(update: MeshUpdate) => void>();
  #workload: WorkloadRef | undefined;
  #trustDomain = '';
  #policy: WorkloadPolicy;
  #revision = 0;

  constructor(options: MeshViewOptions) {
    this.#options = options;
    this.#traffic = new HeldTraffic(options.rootNamespace);
    this.#policy = denyAll(options.notReady ?? NEVER);
  }

  /** 0 until the first snapshot. */
  get revision(): number {
    return this.#revision;
  }

  get ready(): boolean {
    return this.#revision > 0;
  }

  get policy(): WorkloadPolicy {
    return this.#policy;
  }

  /** Where short names of services are looked for. */
  get namespace(): string {
    return this.#workload?.namespace ?? 'default';
  }

  /** Rules about what this workload calls; the same object until they change. */
  get traffic(): TrafficRules {
    return this.#traffic.rules;
  }

  /** Policies are compiled for one workload: the one the identity names. */
  setWorkload(workload: WorkloadRef, trustDomain: string): void {
    this.#workload = workload;
    this.#trustDomain = trustDomain;
    if (!this.ready) return;
    this.#compile();
    this.#traffic.compileFor(workload);
  }

  /** Why a certificate is revoked; undefined when it is not. */
  revocationOf(certificate: RevocableCertificate): string | undefined {
    return this.#revocations.of(certificate);
  }

  /** A service once known stays known, so that its name never falls through to plain DNS when its last instance goes. */
  service(name: string, namespace: string): MeshService | undefined {
    return this.serviceOf(serviceKey({ name, namespace }));
  }

  /** The same, for who has its key. */
  serviceOf(key: ServiceKey): MeshService | undefined {
    return this.#services.get(key);
  }

  subscribe(listener: (change: MeshChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Every service that is known, those without instances included. */
  get services(): Iterable<MeshService> {
    return this.#services.values();
  }

  /** Everything that is held, as one update: what another view needs to be like this one. */
  get snapshot(): MeshUpdate {
    return {
      revision: this.#revision,
      reset: true,
      resources: [...this.#resources].map(([key, resource]) => [key, this.#traffic.standing(key) ?? resource]),
      services: [...this.#services.values()],
      ...this.#revocations.all,
      peers: this.peers.all,
      foreignBundles: this.foreignTrust.all,
      signing: this.signing.all,
    };
  }

  /** Calls back with every update once it is applied: a view that applies them after a snapshot stays like this one. */
  follow(follower: (update: MeshUpdate) => void): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  /** Applies one update. Returns "" or why parts of it are refused (they deny instead of being skipped). */
  apply(update: MeshUpdate): string {
    if (update.reset) {
      this.#resources.clear();
      this.#revocations.clear();
    }
    const { services, gone } = this.#applyServices(update);
    for (const [key, resource] of update.resources) {
      if (resource === undefined) this.#resources.delete(key);
      else this.#resources.set(key, resource);
    }
    const revocations = this.#revocations.apply(update);
    this.#applyFacts(update);
    const first = !this.ready;
    const traffic = this.#traffic.take(update) || first;
    const policy = first || update.reset || update.resources.some(([key]) => !isTrafficKey(key));
    if (update.revision > 0) this.#revision = update.revision;
    if (policy) this.#compile();
    if (traffic && this.#workload !== undefined) this.#traffic.compileFor(this.#workload);
    const change: MeshChange = {
      policy,
      traffic: traffic || update.signing !== undefined,
      revocations,
      peers: update.peers !== undefined,
      foreignTrust: update.foreignBundles !== undefined,
      services,
      gone,
    };
    for (const listener of this.#listeners) listener(change);
    for (const follower of this.#followers) follower(update);
    return [...this.#policy.problems, ...this.#traffic.problems].join('; ');
  }

  #applyFacts({ peers, foreignBundles, signing }: MeshUpdate): void {
    if (peers !== undefined) this.peers.apply(peers);
    if (foreignBundles !== undefined) this.foreignTrust.replace(foreignBundles);
    if (signing !== undefined) this.signing.replace(signing);
  }

  #applyServices(update: MeshUpdate): Pick<MeshChange, 'services' | 'gone'> {
    const changed = new Map(update.services.map((service) => [serviceKey(service), service]));
    if (update.reset) {
      for (const [key, held] of this.#services) {
        if (!changed.has(key) && held.endpoints.length > 0) changed.set(key, { ...held, endpoints: [] });
      }
    }
    const gone = new Set<string>();
    for (const [key, service] of changed) {
      for (const endpoint of this.#services.get(key)?.endpoints ?? []) gone.add(endpoint.instanceId);
      for (const endpoint of service.endpoints) gone.delete(endpoint.instanceId);
      this.#services.set(key, service);
    }
    return { services: [...changed.values()], gone };
  }

  #compile(): void {
    if (this.#workload === undefined) return;
    const policy = this.#compileReadable(this.#workload);
    const unreadable = [...this.#resources].filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string' && !isTrafficKey(entry[0]),
    );
    if (unreadable.length === 0) {
      this.#policy = policy;
      return;
    }
    const named = unreadable.map(([key, problem]) => `${key}: ${problem}`).join('; ');
    const reason = `a policy cannot be read by this data plane: ${named}`;
    const own = `NetworkPolicy/${this.#workload.namespace}/`;
    // What keeps this workload in must go on doing so: denying what comes in says nothing of what goes out.
    const network = unreadable.some(([key]) => key.startsWith(own)) ? shutNetwork(reason) : policy.network;
    this.#policy = { ...denyAll(reason), network, quarantine: policy.quarantine, problems: [named] };
  }

  #compileReadable(workload: WorkloadRef): WorkloadPolicy {
    return compileWorkloadPolicy({
      workload,
      resources: [...this.#resources.values()].filter((resource) => typeof resource !== 'string'),
      rootNamespace: this.#options.rootNamespace,
      trustDomain: this.#trustDomain,
      capabilities: this.#options.capabilities,
    });
  }
}
