import type { DiscoveredInstance } from '../discovery/discovery.ts';
import type { Standing } from '../health/instance-state.ts';
import type { Instance, StoredInstance } from '../store.ts';

/** Without its state. */
export function instanceAlone({ state: _, ...instance }: DiscoveredInstance): Instance {
  return instance;
}

/** What operators said of it. */
export function standingOf(instance: DiscoveredInstance | undefined): Standing {
  if (instance === undefined) return { draining: false };
  const { draining, maintenance } = instance.state;
  return maintenance === undefined ? { draining } : { draining, maintenance };
}

/** What the store keeps of it. */
export function storedOf(instance: DiscoveredInstance): StoredInstance {
  return { instance: instanceAlone(instance), standing: standingOf(instance), checks: instance.state.checks };
}
