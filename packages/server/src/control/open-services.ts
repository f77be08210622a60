import type { Journal } from '@rampart/journal';
import { openRegistry, type Registry } from '@rampart/registry';
import type { CompleteOptions } from '../control-plane-options.ts';
import type { Database } from '../storage/database.ts';
import { createRegistryStore } from '../storage/stores/registry/registry-store.ts';
import type { Teardown } from '../teardown.ts';

/** The registry of services, for as long as the control plane runs. */
export async function openServices(
  { clock, random, log, leaseMs }: CompleteOptions,
  {
    database,
    journal,
    teardown,
  }: { readonly database: Database; readonly journal: Journal; readonly teardown: Teardown },
): Promise<Registry> {
  const registry = await openRegistry({
    store: createRegistryStore(database),
    journal,
    clock,
    random,
    onFailure: (error) => log.error({ error }, 'the registry failed'),
    ...(leaseMs === undefined ? {} : { leaseMs }),
  });
  teardown.add('registry', () => registry.close());
  return registry;
}
