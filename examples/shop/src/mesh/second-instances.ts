import { RampartError } from '@rampart/core';
import { until } from '../process/condition.ts';
import { SECOND_INSTANCES } from '../workloads.ts';
import { TRAFFIC_RULES } from './folders.ts';
import { applyPolicies, readPolicies } from './policies.ts';
import { allInStep } from './registration.ts';
import { Staff } from './staff.ts';
import type { Shop } from './shop.ts';

const READY_WITHIN_MS = 20_000;

/**
 * Starts a slow, a failing and a new instance of services that are there, and applies the rules of traffic once they are
 * found.
 * @throws RampartError NO_HEALTHY_INSTANCE when they never come.
 */
export async function addSecondInstances(shop: Pick<Shop, 'admin' | 'staff' | 'door' | 'services'>): Promise<void> {
  const { admin, staff, door } = shop;
  await Promise.all(
    SECOND_INSTANCES.map(async (workload) => {
      const invitation = await Staff.invite(workload, admin);
      staff.join(workload, { door, invitation }, { port: 0, environment: workload.environment });
    }),
  );
  const wanted = SECOND_INSTANCES.map(({ name, labels }) => `${name} ${labels['version'] ?? ''}`);
  const found = await until(READY_WITHIN_MS, async () => {
    const { services } = await admin.listServices({});
    const versions = services.flatMap(({ name, endpoints }) =>
      endpoints.map(({ labels }) => `${name} ${labels['version'] ?? ''}`),
    );
    const there = new Set(versions);
    return wanted.every((version) => there.has(version)) || undefined;
  });
  if (found === undefined)
    throw new RampartError('NO_HEALTHY_INSTANCE', `the second instances did not register within ${READY_WITHIN_MS} ms`);
  await applyPolicies(admin, await readPolicies(TRAFFIC_RULES));
  const identities = shop.services.map(({ spiffeId }) => spiffeId);
  await allInStep(admin, identities, READY_WITHIN_MS);
}
