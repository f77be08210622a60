import type { Discovery, Instance } from '@rampart/registry';
import { nodeName } from './node-name.ts';

/**
 * Clients of Consul name a service on a host by an id that is unique on that host and in its namespace only; here an instance id is
 * unique in the mesh. So the second that uses an id has its host's name appended to it, and one of another namespace on the same host
 * that of its namespace, too, and nobody sees that: "web", "web:ip-10-0-0-2", "web:ip-10-0-0-2.prod".
 */
export function serviceIdOf({
  instanceId,
  host,
  namespace,
}: Pick<Instance, 'instanceId' | 'host' | 'namespace'>): string {
  const node = nodeName(host);
  const suffix = [`:${node}.${namespace}`, `:${node}`].find((each) => instanceId.endsWith(each)) ?? '';
  return suffix !== '' && instanceId.length > suffix.length ? instanceId.slice(0, -suffix.length) : instanceId;
}

/** The instance id under which a host registers a service of that id: the one that it has, else the shortest that is free. */
export function instanceIdFor(discovery: Discovery, hosted: HostedService): string {
  const ids = idsOf(hosted);
  const own = ids.find((id) => isOf(discovery.instance(id), hosted));
  const free = ids.find((id) => discovery.instance(id) === undefined);
  return own ?? free ?? ids[0];
}

/** The instance id that somebody on a host means by the id of a service: the one of that host and namespace, else the only one of that name. */
export function knownInstanceId(discovery: Discovery, hosted: HostedService): string {
  const ids = idsOf(hosted);
  return ids.find((id) => isOf(discovery.instance(id), hosted)) ?? ids[0];
}

export interface HostedService {
  readonly serviceId: string;
  readonly node: string;
  readonly namespace: string;
}

function idsOf({ serviceId, node, namespace }: HostedService): readonly [string, ...string[]] {
  return [serviceId, `${serviceId}:${node}`, `${serviceId}:${node}.${namespace}`];
}

function isOf(instance: Instance | undefined, { node, namespace }: HostedService): boolean {
  return instance?.namespace === namespace && nodeName(instance.host) === node;
}
