import type { Authority } from '@rampart/authority';
import { openRegistry, type Registry, type SensitiveKeys } from '@rampart/registry';
import type { CompleteOptions } from '../control-plane-options.ts';
import type { RegistryGuard } from '../registry/open-guard.ts';
import { isRevokedItself } from '../revocation/withdraw-instances.ts';
import type { Database } from '../storage/database.ts';
import type { KeyEncryptionKey } from '@rampart/keyring';
import { sealKept } from '../storage/stores/registry/kept-secrets.ts';
import { createRegistryStore } from '../storage/stores/registry/registry-store.ts';
import { InstanceSecrets } from '../storage/stores/registry/instance-secrets.ts';
import type { Teardown } from '../teardown.ts';

/** The registry of services, for as long as the control plane runs. */
export async function openServices(
  { clock, steady, random, log, leaseMs, probes }: CompleteOptions,
  {
    database,
    guard: { journal, admission, policies },
    authority,
    keyEncryptionKey,
    teardown,
  }: {
    readonly database: Database;
    readonly guard: RegistryGuard;
    readonly authority: Pick<Authority, 'revocations'>;
    readonly keyEncryptionKey: KeyEncryptionKey;
    readonly teardown: Teardown;
  },
): Promise<Registry> {
  const sensitive = (): SensitiveKeys => policies.current().sensitive;
  const secrets = new InstanceSecrets(keyEncryptionKey, sensitive);
  await sealKept(database, secrets);
  const registry = await openRegistry({
    store: createRegistryStore(database, secrets),
    sensitive,
    journal,
    admission,
    clock,
    steady,
    random,
    probes,
    isRevoked: (instance) => isRevokedItself(instance, authority),
    onFailure: (error) => log.error({ error }, 'the registry failed'),
    ...(leaseMs === undefined ? {} : { leaseMs }),
  });
  const changed = policies.onChange(() => {
    sealKept(database, secrets).catch((error: unknown) =>
      log.error({ error }, 'secrets of instances could not be sealed'),
    );
  });
  teardown.add('sealing of secrets', changed);
  teardown.add('registry', () => registry.close());
  return registry;
}
