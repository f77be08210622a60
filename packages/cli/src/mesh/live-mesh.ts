import { parseResource, principalOf, type Resource } from '@rampart/core';
import type { KnownWorkload } from '@rampart/core/analysis';
import type { Certificate, ServiceUpdate, StoredResource } from '@rampart/wire';
import type { AdminClient } from '../connection/admin-connection.ts';
import type { MeshView, ObservedMesh } from './mesh-view.ts';

/** Namespace whose policies hold for the whole mesh. */
export const ROOT_NAMESPACE = 'istio-system';

/** What the running mesh holds at `now` (Unix milliseconds): every resource, and everybody who can call or be called. */
export async function readLiveMesh(client: AdminClient, now: number): Promise<MeshView> {
  const [{ trustDomain }, certificates] = await Promise.all([client.getStatus({}), goodCertificates(client, now)]);
  return liveMesh(client, { trustDomain, certificates });
}

interface LiveFacts {
  readonly trustDomain: string;
  readonly certificates: readonly Certificate[];
}

async function liveMesh(client: AdminClient, { trustDomain, certificates }: LiveFacts): Promise<MeshView> {
  const [{ resources }, { services }] = await Promise.all([client.getResources({}), client.listServices({})]);
  const serving = services.flatMap((service) => workloadsOf(service, trustDomain));
  return {
    facts: { resources: resources.flatMap(storedResource), trustDomain, rootNamespace: ROOT_NAMESPACE },
    workloads: [...serving, ...clientsOf(certificates, { serving, trustDomain })],
  };
}

/** Who holds a certificate and serves nothing with it: the same identity may have holders of both kinds. */
function clientsOf(
  certificates: readonly Certificate[],
  { serving, trustDomain }: { readonly serving: readonly KnownWorkload[]; readonly trustDomain: string },
): KnownWorkload[] {
  const keyOf = (principal: string, labels: Readonly<Record<string, string>>): string =>
    JSON.stringify([principal, Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))]);
  const known = new Set(serving.map(({ principal, labels }) => keyOf(principal, labels)));
  return certificates.flatMap(({ spiffeId, labels }) => {
    const principal = principalOf(spiffeId, trustDomain);
    const key = keyOf(principal, labels);
    const [, namespace, serviceAccount] = /^[^/]+\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(principal) ?? [];
    if (known.has(key) || namespace === undefined || serviceAccount === undefined) return [];
    known.add(key);
    return [{ service: undefined, namespace, serviceAccount, labels, port: 0, protocol: '', principal }];
  });
}

async function goodCertificates(client: AdminClient, now: number): Promise<readonly Certificate[]> {
  const { certificates } = await client.listCertificates({ limit: MOST_CERTIFICATES });
  return certificates.filter((one) => isGood(one, now));
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
  const [{ version, planes, trustDomain }, good, hasAccessLog] = await Promise.all([
    client.getStatus({}),
    goodCertificates(client, now),
    anyRecord(client),
  ]);
  const view = await liveMesh(client, { trustDomain, certificates: good });
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
  let any = false;
  // Read to its end: a stream that is left before keeps its deadline, and with it the process, for half a minute.
  for await (const { records } of client.tailLogs({ history: 1, follow: false })) any ||= records.length > 0;
  return any;
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
