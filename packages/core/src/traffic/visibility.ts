import type { DestinationRule, Fallback, Resource, ServiceEntry, VirtualService } from '../resource/resource.ts';
import type { ServiceName } from '../service-name.ts';
import { namespaceOfHost, serviceOfHost, wholeHost } from './host.ts';

/** Kinds that say where calls go. */
export type TrafficResource = VirtualService | DestinationRule | ServiceEntry | Fallback;

const KINDS: ReadonlySet<string> = new Set<TrafficResource['kind']>([
  'VirtualService',
  'DestinationRule',
  'ServiceEntry',
  'Fallback',
]);

export function isTraffic(resource: Resource): resource is TrafficResource {
  return isTrafficKind(resource.kind);
}

export function isTrafficKind(kind: string): kind is TrafficResource['kind'] {
  return KINDS.has(kind);
}

/** Hosts that a rule is about, as they are written. */
export function hostsOf(resource: TrafficResource): readonly string[] {
  return 'host' in resource.spec ? [resource.spec.host] : resource.spec.hosts;
}

/** Whether `exportTo` names a namespace; without it every one is. */
function isExportedTo({ metadata, spec }: TrafficResource, namespace: string): boolean {
  const { exportTo } = spec;
  if (exportTo === undefined) return true;
  return exportTo.some(
    (name) => name === '*' || name === namespace || (name === '.' && metadata.namespace === namespace),
  );
}

/**
 * Whether callers of a namespace are held to a rule about a host, a whole name or pattern. A rule of the root namespace is for everybody, one
 * about services of its own namespace for all who call them, any other for its own namespace alone: what is written in one
 * namespace never says how another one calls a third. `exportTo` narrows that.
 */
export function isRuleFor(
  resource: TrafficResource,
  host: string,
  { namespace, rootNamespace }: { readonly namespace: string; readonly rootNamespace: string },
): boolean {
  const own = resource.metadata.namespace;
  const isInReach =
    own === namespace || own === rootNamespace || (isAboutServices(resource) && namespaceOfHost(host) === own);
  return isInReach && isExportedTo(resource, namespace);
}

/** Whether callers of a namespace are held to any part of a rule, and so must be told of it. */
export function concernsCallers(
  resource: TrafficResource,
  place: { readonly namespace: string; readonly rootNamespace: string },
): boolean {
  const own = resource.metadata.namespace;
  return hostsOf(resource).some((host) => isRuleFor(resource, wholeHost(host, own), place));
}

/** Services that a rule names; those that its patterns stand for are not among them. */
export function servicesOf(resource: TrafficResource): ServiceName[] {
  const { namespace } = resource.metadata;
  const services = hostsOf(resource).map((host) => serviceOfHost(wholeHost(host, namespace)));
  return services.filter((service) => service !== undefined);
}

/** A ServiceEntry is about hosts that belong to nobody here. */
function isAboutServices({ kind }: TrafficResource): boolean {
  return kind !== 'ServiceEntry';
}
