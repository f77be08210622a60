import type { Discovery, Instance } from '@rampart/registry';
import { nodeName } from './node-name.ts';

/**
 * Clients of Consul name a service on a host by an id that is unique on that host only; here an instance id is unique in the mesh. So the
 * second host that uses an id has its name appended to it, and nobody sees that: "web", "web:ip-10-0-0-2".
 */
export function serviceIdOf({ instanceId, host }: Pick<Instance, 'instanceId' | 'host'>): string {
  const suffix = `:${nodeName(host)}`;
  return instanceId.endsWith(suffix) && instanceId.length > suffix.length
    ? instanceId.slice(0, -suffix.length)
    : instanceId;
}

/** The instance id under which a host registers a service of that id. */
export function instanceIdFor(discovery: Discovery, { serviceId, node }: HostedService): string {
  const own = `${serviceId}:${node}`;
  if (discovery.instance(own) !== undefined) return own;
  const holder = discovery.instance(serviceId);
  return holder === undefined || nodeName(holder.host) === node ? serviceId : own;
}

/** The instance id that somebody on a host means by the id of a service: the one of that host, else the only one of that name. */
export function knownInstanceId(discovery: Discovery, { serviceId, node }: HostedService): string {
  const own = `${serviceId}:${node}`;
  return discovery.instance(own) === undefined ? serviceId : own;
}

export interface HostedService {
  readonly serviceId: string;
  readonly node: string;
}
