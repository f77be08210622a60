import { parseResource, principalOf, type Resource } from '@rampart/core';
import type { KnownWorkload } from '@rampart/core/analysis';
import type { ServiceUpdate, StoredResource } from '@rampart/wire';
import type { AdminClient } from '../connection/admin-connection.ts';
import type { MeshView } from './mesh-view.ts';

/** Namespace whose policies hold for the whole mesh. */
export const ROOT_NAMESPACE = 'istio-system';

/** What the running mesh holds: every resource, and every workload that the registry knows. */
export async function readLiveMesh(client: AdminClient): Promise<MeshView> {
  const [{ resources }, { services }, { trustDomain }] = await Promise.all([
    client.getResources({}),
    client.listServices({}),
    client.getStatus({}),
  ]);
  return {
    facts: { resources: resources.flatMap(storedResource), trustDomain, rootNamespace: ROOT_NAMESPACE },
    workloads: services.flatMap((service) => workloadsOf(service, trustDomain)),
  };
}

/** One that this version cannot read is left out: its control plane is newer. */
function storedResource({ json }: StoredResource): Resource[] {
  const parsed = parseResource(JSON.parse(json));
  return parsed.ok ? [parsed.value] : [];
}

function workloadsOf({ name, namespace, endpoints }: ServiceUpdate, trustDomain: string): KnownWorkload[] {
  return endpoints.map(({ spiffeId, labels, port, protocol }) => {
    const principal = principalOf(spiffeId, trustDomain);
    const serviceAccount = principal.split('/').at(-1) ?? '';
    return { service: { name, namespace }, namespace, serviceAccount, labels, port, protocol, principal };
  });
}
