import type { Authority, AuthorityStore } from '@rampart/authority';
import { SpiffeId } from '@rampart/core';
import { type DiscoveredInstance, type Instance, type Registry, REVOKED_REASON } from '@rampart/registry';

export type WithdrawingRegistry = Pick<Registry, 'services' | 'discovery' | 'leaseOf' | 'deregister'>;
type Revoked = Pick<Authority, 'revocations'>;

/**
 * Takes away what identities registered that were revoked since, through whichever door: with a stolen key, a stranger may have
 * put an address of his own behind the name. What a live control stream holds is that stream's, which is cut when its certificate
 * is revoked. A registration is judged by the certificate that it was made with; one that was made with a token is dated as
 * tokens are, by when it was made.
 */
export async function withdrawRevoked(
  registry: WithdrawingRegistry,
  { revocations }: Revoked,
  certificates: Pick<AuthorityStore, 'certificatesOf'>,
): Promise<void> {
  // Most starts find nothing revoked, and need not look up what every instance was registered with.
  if (!revocations.hasRules && revocations.revokedSerials().length === 0) return;
  const instances = withoutStream(registry);
  const serials = new Set(instances.flatMap(({ serial }) => serial ?? []));
  const records = new Map((await certificates.certificatesOf([...serials])).map((record) => [record.serial, record]));
  await withdraw(registry, instances, (instance) => {
    const record = records.get(instance.serial ?? '');
    return record === undefined
      ? isRevokedItself(instance, { revocations })
      : revocations.ofRecord(record) !== undefined;
  });
}

/** The same for what was registered with certificates that are revoked by their serials. */
export async function withdrawSerials(registry: WithdrawingRegistry, serials: readonly string[]): Promise<void> {
  const revoked = new Set(serials);
  await withdraw(registry, withoutStream(registry), ({ serial = '' }) => revoked.has(serial));
}

/** Whether an instance is revoked as far as it says itself, as one does that was registered just now. */
export function isRevokedItself(instance: Instance, { revocations }: Revoked): boolean {
  if (instance.serial !== undefined && revocations.has(instance.serial)) return true;
  return revocations.hasRules && isDatedAway(instance, { revocations });
}

function withoutStream(registry: WithdrawingRegistry): readonly DiscoveredInstance[] {
  const instances = registry.services().flatMap((service) => service.instances);
  return instances.filter(({ instanceId }) => registry.leaseOf(instanceId) !== 'held');
}

async function withdraw(
  registry: WithdrawingRegistry,
  instances: readonly DiscoveredInstance[],
  isRevoked: (instance: DiscoveredInstance) => boolean,
): Promise<void> {
  const gone = instances.filter(isRevoked).map(async ({ instanceId, owner, serial }) => {
    const id = SpiffeId.parse(owner);
    // Its owner may have come back with another certificate while records were looked up.
    if (!id.ok || registry.discovery.instance(instanceId)?.serial !== serial) return;
    await registry.deregister({ kind: 'spiffe', id: id.value }, instanceId, { reason: REVOKED_REASON });
  });
  await Promise.all(gone);
}

function isDatedAway({ owner, registeredAt }: Instance, { revocations }: Revoked): boolean {
  const id = owner.startsWith('spiffe://') ? SpiffeId.parse(owner) : undefined;
  return id?.ok === true && revocations.ofToken({ spiffeId: id.value, issuedAt: registeredAt }) !== undefined;
}
