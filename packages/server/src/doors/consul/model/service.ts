import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import type { DiscoveredInstance } from '@rampart/registry';
import { serviceIdOf } from '../../instances/service-id.ts';
import type { Item } from '../filter/filter.ts';
import { contentOf, type Rendered } from '../http/rendered.ts';
import { nodeFields } from './node.ts';

type Fields = Readonly<Record<string, Item>>;

export interface ModelOptions {
  readonly datacenter: string;
  /** The namespace whose instances do not name it, as those of a Consul without namespaces. */
  readonly namespace: string;
}

/** A service of a node, as `/v1/health/service` and `/v1/catalog/node` show it. */
export function serviceFields(instance: DiscoveredInstance, index: number, options: ModelOptions): Fields {
  return {
    ID: serviceIdOf(instance),
    Service: instance.service,
    Tags: instance.tags,
    Address: instance.host,
    TaggedAddresses: taggedAddresses(instance),
    Meta: metaOf(instance),
    Port: instance.port,
    Weights: weightsOf(instance),
    EnableTagOverride: false,
    ...localityOf(instance),
    ...namespaceOf(instance, options),
    Proxy: { Mode: '', MeshGateway: {}, Expose: {} },
    Connect: {},
    PeerName: '',
    CreateIndex: index,
    ModifyIndex: index,
  };
}

/** A service of an agent. */
export function agentServiceFields(instance: DiscoveredInstance, options: ModelOptions): Fields {
  return {
    ID: serviceIdOf(instance),
    Service: instance.service,
    Tags: instance.tags,
    Meta: metaOf(instance),
    Port: instance.port,
    Address: instance.host,
    TaggedAddresses: taggedAddresses(instance),
    Weights: weightsOf(instance),
    EnableTagOverride: false,
    ...localityOf(instance),
    ...namespaceOf(instance, options),
    Datacenter: options.datacenter,
  };
}

/** The same with what its agent adds when one is asked for. */
export function agentServiceDetails(
  instance: DiscoveredInstance,
  options: ModelOptions,
): Fields & { readonly ContentHash: string } {
  const fields = agentServiceFields(instance, options);
  return { ...fields, ContentHash: contentHash(fields) };
}

/** A service and its node in one, as `/v1/catalog/service` shows them. */
export function catalogServiceFields(instance: DiscoveredInstance, index: number, options: ModelOptions): Fields {
  const { ID, Node, Address, Datacenter, TaggedAddresses, Meta } = nodeFields(instance, { ...options, index });
  return {
    ID,
    Node,
    Address,
    Datacenter,
    TaggedAddresses,
    NodeMeta: Meta,
    ServiceKind: '',
    ServiceID: serviceIdOf(instance),
    ServiceName: instance.service,
    ServiceTags: instance.tags,
    ServiceAddress: instance.host,
    ServiceTaggedAddresses: taggedAddresses(instance),
    ServiceWeights: weightsOf(instance),
    ServiceMeta: metaOf(instance),
    ServicePort: instance.port,
    ServiceSocketPath: '',
    ServiceEnableTagOverride: false,
    ...(instance.locality === undefined ? {} : { ServiceLocality: localityOf(instance)['Locality'] ?? {} }),
    ...namespaceOf(instance, options),
    ServiceProxy: { Mode: '', MeshGateway: {}, Expose: {} },
    ServiceConnect: {},
    CreateIndex: index,
    ModifyIndex: index,
  };
}

/** What changes when the answer does: of an item, or of a whole answer. */
export function contentHash(item: Item | Rendered): string {
  return createHash('sha256').update(contentOf(item)).digest('hex').slice(0, 16);
}

function metaOf({ metadata, version }: DiscoveredInstance): Fields {
  return version === undefined || Object.hasOwn(metadata, 'version') ? metadata : { ...metadata, version };
}

function weightsOf({ weights: { passing, warning } }: DiscoveredInstance): Fields {
  return { Passing: passing, Warning: warning };
}

function localityOf({ locality }: DiscoveredInstance): Fields {
  return locality === undefined ? {} : { Locality: { Region: locality.region, Zone: locality.zone ?? '' } };
}

function namespaceOf({ namespace }: DiscoveredInstance, options: ModelOptions): Fields {
  return namespace === options.namespace ? {} : { Namespace: namespace };
}

function taggedAddresses({ host, port }: DiscoveredInstance): Fields {
  const version = isIP(host);
  if (version === 0) return {};
  const family = version === 6 ? 'ipv6' : 'ipv4';
  const address = { Address: host, Port: port };
  return { [`lan_${family}`]: address, [`wan_${family}`]: address };
}
