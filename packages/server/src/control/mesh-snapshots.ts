import { create } from '@bufbuild/protobuf';
import {
  isForDataPlanes,
  isTraffic,
  isTrafficKind,
  type NetworkPolicy,
  type Resource,
  type ResourceKind,
  selects,
  type SpiffeId,
  type WorkloadRef,
} from '@rampart/core';
import { isUsable, type Service } from '@rampart/registry';
import { reasonNumber, type TrustBundle } from '@rampart/spiffe';
import {
  type Bundle,
  BundleSchema,
  type ControlPlaneMessage,
  ControlPlaneMessageSchema,
  type FederatedBundles,
  FederatedBundlesSchema,
  type IdentityFacts,
  IdentityFactsSchema,
  type NamespaceFacts,
  NamespaceFactsSchema,
  type NetworkFacts,
  NetworkFactsSchema,
  type ResourceUpdate,
  ResourceUpdateSchema,
  type ServiceUpdate,
  ServiceUpdateSchema,
} from '@rampart/wire';
import type { Change } from '../changes/change.ts';
import type { ChangeFeed } from '../changes/change-feed.ts';
import { ruleMessage, type ToldRevocations } from '../revocation/messages.ts';
import type { HeldResource } from '../resources/resource-set.ts';
import { SharedRules } from './audience/shared-rules.ts';
import { type Listener, TrafficAudience } from './audience/traffic-audience.ts';
import { signingRules } from './signing-rules.ts';

/** The state that data planes are told, as it is now. */
export interface MeshState {
  readonly feed: ChangeFeed;
  readonly rootNamespace: string;
  resource(key: string): HeldResource | undefined;
  resources(): readonly HeldResource[];
  service(name: { readonly name: string; readonly namespace: string }): Service | undefined;
  services(): readonly Service[];
  readonly visibility: ServiceVisibility;
  readonly revocations: ToldRevocations;
  bundle(): TrustBundle;
  /** Of the trust domains that this one federates with. */
  federatedBundles(): readonly TrustBundle[];
  /** Undefined when nobody holds the identity. */
  identity(spiffeId: string): IdentityFacts | undefined;
  identities(): readonly IdentityFacts[];
}

/** Which services a workload may know of. */
export interface ServiceVisibility {
  /** Whether rules of the registry keep services from anybody; else everybody is told the same. */
  isLimited(): boolean;
  mayKnow(id: SpiffeId, service: { readonly name: string; readonly namespace: string }): boolean;
}

/** What decides what a data plane is told. */
export interface Reader extends Listener {
  /** A NetworkPolicy is about it: it is told who its peers are. */
  readonly isolated: boolean;
}

/** Puts the state, or what changed of it, into messages. Workloads of a namespace are told the same, so it is put together once. */
export class MeshSnapshots {
  readonly #state: MeshState;
  readonly #audience: TrafficAudience;
  readonly #services = new WeakMap<Service, ServiceUpdate>();
  readonly #resources = new WeakMap<HeldResource, ResourceUpdate>();
  #networkPolicies: readonly NetworkPolicy[] = [];
  #networkPoliciesOf = -1;
  /** By workload, while policies are the same. */
  #isolated = new WeakMap<object, boolean>();
  #deltas = new Map<string, ControlPlaneMessage | undefined>();
  #deltasOf = -1;

  constructor(state: MeshState) {
    this.#state = state;
    const isThere = (key: string): boolean => state.resource(key) !== undefined;
    const { feed, rootNamespace, visibility } = state;
    this.#audience = new TrafficAudience({ rootNamespace, visibility, shared: new SharedRules({ feed, isThere }) });
  }

  get revision(): number {
    return this.#state.feed.revision;
  }

  /** Everything a workload may know; replaces whatever it knew. */
  full(reader: Listener): ControlPlaneMessage {
    const { id } = reader;
    const state = this.#state;
    return create(ControlPlaneMessageSchema, {
      revision: BigInt(state.feed.revision),
      reset: true,
      resources: state
        .resources()
        .filter((held) => isForDataPlanes(held.resource.kind) && this.#isTold(held, reader))
        .map((held) => this.#resourceUpdate(held)),
      services: state
        .services()
        .filter((service) => this.#mayKnow(id, service))
        .map((service) => this.#serviceUpdate(service)),
      ...this.revoked(),
      bundle: this.#bundle(),
      federatedBundles: this.#federated(),
      signing: signingRules(state),
    });
  }

  /** Everything that is revoked. */
  revoked(): Pick<ControlPlaneMessage, 'revokedSerials' | 'revocationReasons' | 'revocationRules'> {
    const { revocations } = this.#state;
    const serials = revocations.revokedSerials();
    return {
      revokedSerials: serials.map(({ serial }) => serial),
      revocationReasons: serials.map(({ reason }) => reasonNumber(reason)),
      revocationRules: revocations.rules().map(ruleMessage),
    };
  }

  /** Whether a NetworkPolicy is about a workload, so that it must know who its peers are. Asked again and again with the same object. */
  isIsolated(workload: Pick<WorkloadRef, 'namespace' | 'labels'>): boolean {
    const policies = this.#policies();
    let isolated = this.#isolated.get(workload);
    if (isolated === undefined) {
      isolated = policies.some((policy) => selects(policy, workload, this.#state.rootNamespace));
      this.#isolated.set(workload, isolated);
    }
    return isolated;
  }

  /** Whether any workload may need to know who its peers are. */
  get hasNetworkPolicies(): boolean {
    return this.#policies().length > 0;
  }

  /** Everything there is to know of peers; replaces whatever was known. */
  network(): NetworkFacts {
    const { identities, resources } = this.#state;
    return create(NetworkFactsSchema, {
      reset: true,
      identities: [...identities()],
      namespaces: resources().flatMap(({ resource }) =>
        resource.kind === 'Namespace' ? [namespaceFacts(resource)] : [],
      ),
    });
  }

  /** What a reader must hear after a revision; undefined for nothing, 'compacted' when only a full one helps. */
  delta(reader: Reader, since: number): ControlPlaneMessage | undefined | 'compacted' {
    const { id, namespace, isolated } = reader;
    const { feed } = this.#state;
    if (this.#deltasOf !== feed.revision) {
      this.#deltasOf = feed.revision;
      this.#deltas = new Map();
    }
    const isLimited = this.#state.visibility.isLimited();
    const key = `${since} ${isolated} ${namespace} ${isLimited ? id.toString() : ''}`;
    if (!this.#deltas.has(key)) {
      const changes = feed.since(since);
      if (changes === 'compacted') {
        return 'compacted';
      }
      // Who may know of what is another question now: only the whole answers it.
      if (changes.some((change) => isAbout(change, 'RegistryAcl') || isAbout(change, 'RegistrySettings'))) {
        return 'compacted';
      }
      const visible = changes.filter((change) => {
        if (isOfControlPlane(change)) {
          return false;
        }
        if (change.kind === 'identity' || isOfNamespace(change)) {
          return isolated;
        }
        if (change.kind === 'service') return this.#mayKnow(id, change);
        return change.kind !== 'resource' || this.#mayHear(reader, change);
      });
      const asksCallers = changes.some((change) => isAbout(change, 'RequestSignaturePolicy'));
      const message = visible.length === 0 && !asksCallers ? undefined : this.#message(visible, reader);
      if (message !== undefined && asksCallers) message.signing = signingRules(this.#state);
      this.#deltas.set(key, message);
    }
    return this.#deltas.get(key);
  }

  #message(changes: readonly Change[], reader: Listener): ControlPlaneMessage {
    const message = create(ControlPlaneMessageSchema, { revision: BigInt(this.#state.feed.revision) });
    for (const change of changes) {
      switch (change.kind) {
        case 'resource': {
          const held = this.#state.resource(change.key);
          if (isOfNamespace(change)) {
            networkOf(message).namespaces.push(namespaceUpdate(change.key, held));
            break;
          }
          message.resources.push(this.#resourceNow(change.key, held, reader));
          break;
        }
        case 'service': {
          const { name, namespace } = change;
          message.services.push(
            this.#serviceUpdate(this.#state.service(change) ?? { name, namespace, revision: 0, instances: [] }),
          );
          break;
        }
        case 'identity': {
          const { spiffeId } = change;
          const facts = this.#state.identity(spiffeId) ?? create(IdentityFactsSchema, { spiffeId });
          networkOf(message).identities.push(facts);
          break;
        }
        case 'revocation':
          message.revokedSerials.push(change.serial);
          message.revocationReasons.push(reasonNumber(this.#state.revocations.reasonOf(change.serial)));
          break;
        case 'revocation-rule': {
          const rule = this.#state.revocations.rule(change.id);
          if (rule !== undefined) message.revocationRules.push(ruleMessage(rule));
          break;
        }
        case 'crl':
          break;
        case 'bundle':
          message.bundle = this.#bundle();
          break;
        case 'federation':
          message.federatedBundles = this.#federated();
          break;
      }
    }
    return message;
  }

  /** All of them, listed again only when one has changed. */
  #policies(): readonly NetworkPolicy[] {
    const { feed, resources } = this.#state;
    if (this.#networkPoliciesOf !== feed.revision) {
      const changes = feed.resourcesSince(this.#networkPoliciesOf);
      this.#networkPoliciesOf = feed.revision;
      if (changes === 'compacted' || changes.some((change) => isAbout(change, 'NetworkPolicy'))) {
        this.#networkPolicies = resources().flatMap(({ resource }) =>
          resource.kind === 'NetworkPolicy' ? [resource] : [],
        );
        this.#isolated = new WeakMap();
      }
    }
    return this.#networkPolicies;
  }

  #mayKnow(id: SpiffeId, service: { readonly name: string; readonly namespace: string }): boolean {
    const { visibility } = this.#state;
    return !visibility.isLimited() || visibility.mayKnow(id, service);
  }

  /** A resource as it is for a reader: gone, where it is not for this one. */
  #resourceNow(key: string, held: HeldResource | undefined, reader: Listener): ResourceUpdate {
    const isThere = held !== undefined && this.#isTold(held, reader);
    return isThere ? this.#resourceUpdate(held) : create(ResourceUpdateSchema, { key });
  }

  #isTold({ key, resource }: HeldResource, reader: Listener): boolean {
    if (isTraffic(resource)) return this.#audience.includes(reader, key, resource);
    return this.#isVisible(resource.metadata.namespace, reader);
  }

  /** Whether a change is a reader's business, if only because it ends what the reader was told. */
  #mayHear(reader: Listener, { key, namespace }: Extract<Change, { readonly kind: 'resource' }>): boolean {
    if (!isTrafficKind(kindOf(key))) return this.#isVisible(namespace, reader);
    const held = this.#state.resource(key);
    return (held !== undefined && this.#isTold(held, reader)) || this.#audience.mayKnow(reader, key, namespace);
  }

  #isVisible(namespace: string, reader: Listener): boolean {
    return namespace === this.#state.rootNamespace || namespace === reader.namespace;
  }

  #bundle(): Bundle {
    return bundleMessage(this.#state.bundle());
  }

  #federated(): FederatedBundles {
    return create(FederatedBundlesSchema, { bundles: this.#state.federatedBundles().map(bundleMessage) });
  }

  #resourceUpdate(held: HeldResource): ResourceUpdate {
    const known = this.#resources.get(held);
    const update = known ?? create(ResourceUpdateSchema, { key: held.key, json: held.bytes });
    this.#resources.set(held, update);
    return update;
  }

  #serviceUpdate(service: Service): ServiceUpdate {
    const known = this.#services.get(service);
    const update = known ?? serviceUpdate(service);
    this.#services.set(service, update);
    return update;
  }
}

function isAbout(change: Change, kind: ResourceKind): boolean {
  return change.kind === 'resource' && change.key.startsWith(`${kind}/`);
}

/** Who gets which identity is nothing that data planes are told. */
function isOfControlPlane(change: Change): boolean {
  if (change.kind === 'crl') return true;
  return change.kind === 'resource' && !isForDataPlanes(kindOf(change.key) as ResourceKind);
}

function kindOf(key: string): string {
  return key.slice(0, key.indexOf('/'));
}

/** Namespaces are told as facts, to those that must know; nobody enforces them. */
function isOfNamespace(change: Change): boolean {
  return isAbout(change, 'Namespace');
}

function networkOf(message: ControlPlaneMessage): NetworkFacts {
  message.network ??= create(NetworkFactsSchema);
  return message.network;
}

function namespaceUpdate(key: string, held: HeldResource | undefined): NamespaceFacts {
  if (held !== undefined) {
    return namespaceFacts(held.resource);
  }
  return create(NamespaceFactsSchema, { name: key.slice(key.lastIndexOf('/') + 1), deleted: true });
}

function namespaceFacts({ metadata: { name, labels } }: Resource): NamespaceFacts {
  return create(NamespaceFactsSchema, { name, labels: { ...labels } });
}

export function bundleMessage({ trustDomain, roots, sequence }: TrustBundle): Bundle {
  return create(BundleSchema, { trustDomain: trustDomain.name, roots: [...roots], sequence: BigInt(sequence) });
}

export function serviceUpdate({ name, namespace, instances }: Service): ServiceUpdate {
  return create(ServiceUpdateSchema, {
    name,
    namespace,
    endpoints: instances.map(({ instanceId, host, port, protocol, identity, labels, weights, state }) => {
      const weight = state.health === 'warning' ? weights.warning : weights.passing;
      return {
        instanceId,
        host,
        port,
        protocol,
        spiffeId: identity,
        labels: { ...labels },
        outOfService: !isUsable(state) || weight === 0,
        weight: weight === 1 ? 0 : weight,
      };
    }),
  });
}
