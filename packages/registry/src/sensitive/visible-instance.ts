import { nameOfIdentity, type RegistryIdentity } from '../admission/identity.ts';
import type { DiscoveredInstance } from '../discovery/discovery.ts';
import type { RegistryPolicy } from '../access/registry-policy.ts';

/** The same object each time, so that whoever renders an instance once need not do so again. */
const withoutSecrets = new WeakMap<RegistryPolicy, WeakMap<DiscoveredInstance, DiscoveredInstance>>();

/**
 * An instance as a caller may see it: sensitive metadata is for its owner, and for whoever a written rule lets write or
 * administer the service.
 */
export function visibleTo(
  caller: RegistryIdentity,
  instance: DiscoveredInstance,
  policy: RegistryPolicy,
): DiscoveredInstance {
  if (!policy.sensitive.hasAny(instance.metadata) || mayKnowSecrets(caller, instance, policy)) return instance;
  let known = withoutSecrets.get(policy);
  if (known === undefined) withoutSecrets.set(policy, (known = new WeakMap()));
  const before = known.get(instance);
  if (before !== undefined) return before;
  const visible = { ...instance, metadata: policy.sensitive.split(instance.metadata).open };
  known.set(instance, visible);
  return visible;
}

/** The same list where nothing of it is left out. */
export function allVisibleTo(
  caller: RegistryIdentity,
  instances: readonly DiscoveredInstance[],
  policy: RegistryPolicy,
): readonly DiscoveredInstance[] {
  if (!policy.sensitive.areIn(instances)) return instances;
  return instances.map((instance) => visibleTo(caller, instance, policy));
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
