import { parseResource, principalOf, type Resource } from '@rampart/core';
import type { KnownWorkload } from '@rampart/core/analysis';
import type { Certificate, ServiceUpdate, StoredResource } from '@rampart/wire';
import type { AdminClient } from '../connection/admin-connection.ts';
import type { MeshView, ObservedMesh } from './mesh-view.ts';

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

/** What says which tokens are accepted, in the whole mesh. */
export async function tokenPolicies(client: AdminClient): Promise<readonly Resource[]> {
  const kinds = ['RequestAuthentication', 'ServiceTokenPolicy'];
  const answers = await Promise.all(kinds.map((kind) => client.getResources({ kind })));
  return answers.flatMap(({ resources }) => resources.flatMap(storedResource));
}

const MOST_CERTIFICATES = 100_000;

/** The running mesh with its data planes, the certificates that are good at `now` (Unix milliseconds) and its record. */
export async function observeLiveMesh(client: AdminClient, now: number): Promise<ObservedMesh> {
  const [view, { version, planes, trustDomain }, { certificates }, hasAccessLog] = await Promise.all([
    readLiveMesh(client),
    client.getStatus({}),
    client.listCertificates({ limit: MOST_CERTIFICATES }),
    anyRecord(client),
  ]);
  const good = certificates.filter((one) => isGood(one, now));
  const principal = (spiffeId: string): string => principalOf(spiffeId, trustDomain);
  return {
    ...view,
    identities: [...good, ...planes].map(({ spiffeId }) => principal(spiffeId)),
    state: {
      version,
      planes: planes.map((plane) => ({ name: plane.dataPlaneId, version: plane.version })),
      certificates: good.map((one) => ({
        principal: principal(one.spiffeId),
        lifetimeMs: Number(one.notAfter - one.notBefore),
      })),
      hasAccessLog,
    },
  };
}

function isGood({ kind, revokedAt, notAfter }: Certificate, now: number): boolean {
  return kind === 'workload' && revokedAt === 0n && Number(notAfter) > now;
}

async function anyRecord(client: AdminClient): Promise<boolean> {
  for await (const { records } of client.tailLogs({ history: 1, follow: false })) if (records.length > 0) return true;
  return false;
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
