import { nameOfIdentity, type RegistryIdentity } from '../admission/identity.ts';
import type { DiscoveredInstance } from '../discovery/discovery.ts';
import { givenIdOf, isApart } from '../registration/owned-id.ts';
import type { RegistryPolicy } from '../access/registry-policy.ts';

/** The same object each time, so that whoever renders an instance once need not do so again. */
const withoutSecrets = new WeakMap<RegistryPolicy, WeakMap<DiscoveredInstance, DiscoveredInstance>>();

const givenInstances = new WeakMap<DiscoveredInstance, DiscoveredInstance>();

/**
 * An instance as a caller may see it: sensitive metadata is for its owner, and for whoever a written rule lets write or
 * administer the service.
 */
export function visibleTo(
  caller: RegistryIdentity,
  instance: DiscoveredInstance,
  policy: RegistryPolicy,
): DiscoveredInstance {
  const given = asGivenBy(caller, instance);
  if (given !== instance) return given;
  if (!policy.sensitive.hasAny(instance.metadata) || mayKnowSecrets(caller, instance, policy)) return instance;
  let known = withoutSecrets.get(policy);
  if (known === undefined) withoutSecrets.set(policy, (known = new WeakMap()));
  const before = known.get(instance);
  if (before !== undefined) return before;
  const visible = { ...instance, metadata: policy.sensitive.split(instance.metadata).open };
  known.set(instance, visible);
  return visible;
}

/** By lists that nobody changes. */
const apartLists = new WeakMap<readonly DiscoveredInstance[], boolean>();

function isAnyApart(instances: readonly DiscoveredInstance[]): boolean {
  let known = apartLists.get(instances);
  if (known === undefined) {
    known = instances.some(({ instanceId }) => isApart(instanceId));
    apartLists.set(instances, known);
  }
  return known;
}

/** The same list where nothing of it is left out. */
export function allVisibleTo(
  caller: RegistryIdentity,
  instances: readonly DiscoveredInstance[],
  policy: RegistryPolicy,
): readonly DiscoveredInstance[] {
  if (!policy.sensitive.areIn(instances) && !isAnyApart(instances)) return instances;
  return instances.map((instance) => visibleTo(caller, instance, policy));
}

/** An instance with the id that its owner gave it, if that is who looks: he learns nothing of who else has one like it. */
export function asGivenBy(caller: RegistryIdentity, instance: DiscoveredInstance): DiscoveredInstance {
  if (!isApart(instance.instanceId) || nameOfIdentity(caller) !== instance.owner) return instance;
  let given = givenInstances.get(instance);
  if (given === undefined) {
    given = { ...instance, instanceId: givenIdOf(instance.instanceId) };
    givenInstances.set(instance, given);
  }
  return given;
}

function mayKnowSecrets(
  caller: RegistryIdentity,
  { owner, service, namespace }: DiscoveredInstance,
  policy: RegistryPolicy,
): boolean {
  if (caller.kind === 'anonymous') return false;
  if (caller.kind === 'operator') return caller.looksOnly !== true;
  if (nameOfIdentity(caller) === owner) return true;
  // Without rules every workload may write, because its identity is held against the service only when it does.
  if (!policy.isWritten) return false;
  return policy.decide(caller, 'write', { service, namespace }).allowed;
}
