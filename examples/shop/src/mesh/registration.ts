import { until } from '../process/condition.ts';
import type { ShopWorkload } from '../workloads.ts';
import type { AdminClient } from './admin.ts';

/** Port of each of these services as the registry has it, once all of them are there; undefined until then. */
export async function registeredPorts(
  admin: AdminClient,
  workloads: readonly ShopWorkload[],
): Promise<ReadonlyMap<string, number> | undefined> {
  const { services } = await admin.listServices({});
  const ports = new Map<string, number>();
  for (const { name, namespace } of workloads) {
    const found = services.find((service) => service.name === name && service.namespace === namespace);
    const endpoint = found?.endpoints[0];
    if (endpoint === undefined) return undefined;
    ports.set(name, endpoint.port);
  }
  return ports;
}

/** Waits until the data planes of these identities enforce the mesh's newest revision; false when they never do. */
export async function allInStep(admin: AdminClient, identities: readonly string[], withinMs: number): Promise<boolean> {
  const inStep = await until(withinMs, async () => {
    const status = await admin.getStatus({});
    const current = status.planes.filter((plane) => plane.ackedRevision >= status.revision && plane.problem === '');
    const held = new Set(current.map((plane) => plane.spiffeId));
    return identities.every((identity) => held.has(identity)) ? true : undefined;
  });
  return inStep ?? false;
}
