import type { Authority } from '@rampart/authority';
import { SpiffeId } from '@rampart/core';
import type { Registry } from '@rampart/registry';

export const REVOKED_REASON = 'its identity was revoked';

/**
 * Takes away what identities registered that were revoked since, through whichever door: with a stolen key, a stranger may have
 * put an address of his own behind the name. What a live control stream holds is that stream's, which is cut when its certificate
 * is revoked. Registrations are dated as tokens are: by when they were made.
 */
export async function withdrawRevoked(
  registry: Pick<Registry, 'services' | 'leaseOf' | 'deregister'>,
  { revocations }: Pick<Authority, 'revocations'>,
): Promise<void> {
  const instances = registry.services().flatMap((service) => service.instances);
  const gone = instances.map(async ({ instanceId, owner, registeredAt }) => {
    const id = owner.startsWith('spiffe://') ? SpiffeId.parse(owner) : undefined;
    if (id?.ok !== true || registry.leaseOf(instanceId) === 'held') return;
    if (revocations.ofToken({ spiffeId: id.value, issuedAt: registeredAt }) === undefined) return;
    await registry.deregister({ kind: 'spiffe', id: id.value }, instanceId, { reason: REVOKED_REASON });
  });
  await Promise.all(gone);
}
