import { openRegistry, type Registry } from '@rampart/registry';
import type { CompleteOptions } from '../control-plane-options.ts';
import type { RegistryGuard } from '../registry/open-guard.ts';
import type { Database } from '../storage/database.ts';
import { createRegistryStore } from '../storage/stores/registry/registry-store.ts';
import type { Teardown } from '../teardown.ts';

/** The registry of services, for as long as the control plane runs. */
export async function openServices(
  { clock, random, log, leaseMs, probes }: CompleteOptions,
  {
    database,
    guard: { journal, admission },
    teardown,
  }: { readonly database: Database; readonly guard: RegistryGuard; readonly teardown: Teardown },
): Promise<Registry> {
  const registry = await openRegistry({
    store: createRegistryStore(database),
    journal,
    admission,
    clock,
    random,
    probes,
    onFailure: (error) => log.error({ error }, 'the registry failed'),
    ...(leaseMs === undefined ? {} : { leaseMs }),
  });
  teardown.add('registry', () => registry.close());
  return registry;
}
