import { apartId, type Discovery, givenIdOf, type Instance } from '@rampart/registry';
import { nodeName } from './node-name.ts';

/**
 * Clients of Consul name a service on a host by an id that is unique on that host, in its namespace and for its owner only; here an
 * instance id is unique in the mesh. So the second that uses an id has its host's name appended to it, one of another namespace on the
 * same host that of its namespace, too, and one of another owner is kept apart by the registry. Nobody sees that: "web",
 * "web:ip-10-0-0-2", "web:ip-10-0-0-2.prod".
 */
export function serviceIdOf({
  instanceId,
  host,
  namespace,
}: Pick<Instance, 'instanceId' | 'host' | 'namespace'>): string {
  const given = givenIdOf(instanceId);
  const node = nodeName(host);
  const suffix = [`:${node}.${namespace}`, `:${node}`].find((each) => given.endsWith(each)) ?? '';
  return suffix !== '' && given.length > suffix.length ? given.slice(0, -suffix.length) : given;
}

/**
 * The instance id under which a host registers a service of that id: the one that its owner has there, else the shortest that is
 * free, else one that the registry keeps apart from that of another owner.
 *
 * @param owner Undefined for operators, to whom every instance belongs.
 */
export function instanceIdFor(discovery: Discovery, hosted: HostedService, owner: string | undefined): string {
  if (!hasLengthened(discovery) && discovery.instance(hosted.serviceId) === undefined) return hosted.serviceId;
  const ids = idsOf(hosted);
  let free: string | undefined;
  for (const id of ids) {
    const there = discovery.instance(id);
    if (there === undefined) free ??= id;
    else if (isOf(there, hosted) && (owner === undefined || there.owner === owner)) return id;
    if (owner === undefined) continue;
    const apart = discovery.instance(apartId(id, owner));
    if (isOf(apart, hosted) && apart?.owner === owner) return id;
  }
  return free ?? ids[2];
}

/** The instance that somebody on a host means by the id of a service: first his own of that host and namespace, else one that he may know of. */
export function knownInstanceId(discovery: Discovery, hosted: HostedService, owner: string): string {
  if (!hasLengthened(discovery)) return hosted.serviceId;
  const ids = idsOf(hosted).flatMap((id) => [id, apartId(id, owner)]);
  const here = ids.filter((id) => isOf(discovery.instance(id), hosted));
  return here.find((id) => discovery.instance(id)?.owner === owner) ?? here[0] ?? hosted.serviceId;
}

/** Where no id was lengthened, each is what its client called it: to look for all that it could be takes longer than the rest of a registration's look-ups. */
function hasLengthened(discovery: Discovery): boolean {
  return discovery.hasIdsWith(':') || discovery.hasIdsWith('~');
}

export interface HostedService {
  readonly serviceId: string;
  readonly node: string;
  readonly namespace: string;
}

function idsOf({ serviceId, node, namespace }: HostedService): readonly [string, string, string] {
  return [serviceId, `${serviceId}:${node}`, `${serviceId}:${node}.${namespace}`];
}

function isOf(instance: Instance | undefined, { node, namespace }: HostedService): boolean {
  return instance?.namespace === namespace && nodeName(instance.host) === node;
}
