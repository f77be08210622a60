import { ListeningAgents } from '../agents/listening-agents.ts';
import { DataPlanes } from '../control/data-planes.ts';
import type { RegistrationRights } from '../control/session-instances.ts';
import { measureMesh } from '../control/mesh-metrics.ts';
import { MeshSnapshots, type ServiceVisibility } from '../control/mesh-snapshots.ts';
import { WorkloadDirectory } from '../control/workload-directory.ts';
import { watchRevocations } from '../revocation/watch-revocations.ts';
import { attestedWorkloads } from '../storage/stores/attested-workloads.ts';
import { createAuthorityStore } from '../storage/stores/authority-store.ts';
import type { RegistryGuard } from '../registry/open-guard.ts';
import type { Start } from './start.ts';
import type { State } from './state.ts';

export interface Mesh {
  readonly dataPlanes: DataPlanes;
  readonly agents: ListeningAgents;
  readonly directory: WorkloadDirectory;
}

function visibilityBy({ access }: RegistryGuard): ServiceVisibility {
  return {
    isLimited: () => access.policy.isWritten,
    mayKnow: (id, { name, namespace }) =>
      access.wouldAllow({ kind: 'spiffe', id }, 'read', { service: name, namespace }),
  };
}

function rightsBy({ admission, approvals, policies }: RegistryGuard): RegistrationRights {
  return {
    standing: (who, request) => admission.standing(who, request),
    onChange: (listener) => {
      const ends = [policies.onChange(listener), approvals.onDecided(listener)];
      return () => {
        for (const end of ends) end();
      };
    },
  };
}

/** What data planes are told, and who is listening. */
export async function joinMesh({ options, teardown, metrics }: Start, state: State): Promise<Mesh> {
  const { database, feed, resources, registry, guard, authority: issuer, federation } = state;
  const { clock, steady, log, rootNamespace } = options;
  const certificates = createAuthorityStore(database);
  const directory = new WorkloadDirectory({
    now: () => clock.now(),
    wentBack: () =>
      void learnHolders().catch((error: unknown) => log.error({ error }, 'who holds certificates could not be read')),
    changed: (spiffeId) => {
      if (dataPlanes.sessions.length > 0 && snapshots.hasNetworkPolicies)
        feed.publish([{ kind: 'identity', spiffeId }]);
    },
  });
  const snapshots = new MeshSnapshots({
    feed,
    rootNamespace,
    resource: (key) => resources.get(key),
    resources: () => resources.all(),
    service: (name) => registry.lookup(name),
    services: () => registry.services(),
    visibility: visibilityBy(guard),
    revocations: issuer.revocations,
    bundle: () => issuer.bundle(),
    federatedBundles: () => federation.bundles(),
    identity: (spiffeId) => directory.get(spiffeId),
    identities: () => directory.all(),
  });
  const dataPlanes = new DataPlanes({
    snapshots,
    registry,
    rights: rightsBy(guard),
    ...{ clock, steady, log },
    workloadOf: attestedWorkloads(database),
    discovers: ({ id }, sourceIp) => guard.access.recordList({ identity: { kind: 'spiffe', id }, sourceIp }),
    isTainted: (serial) => issuer.hierarchy.isTainted(serial),
  });
  const learnHolders = async (): Promise<void> => {
    const holders = await certificates.workloadCertificates(clock.now());
    for (const holder of holders) directory.learn({ workload: undefined, ...holder });
  };
  await learnHolders();
  teardown.add('control streams', () => dataPlanes.close());
  teardown.add(
    'watches',
    registry.watch(({ name, namespace }) => feed.publish([{ kind: 'service', name, namespace }])),
  );
  teardown.add(
    'watches',
    watchRevocations({ authority: issuer, certificates, feed, dataPlanes, directory, registry, clock, log }),
  );
  teardown.add(
    'watches',
    issuer.onIssued((issued) => directory.learn({ ...issued, spiffeId: issued.spiffeId.toString() })),
  );
  const stopWaking = feed.watch(() => dataPlanes.wake());
  teardown.add('watches', stopWaking);
  measureMesh(metrics, { ...state, dataPlanes });
  return { dataPlanes, agents: new ListeningAgents(), directory };
}
