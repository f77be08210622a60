import type { ServiceName, WorkloadRef } from '@rampart/core';
import { SpiffeId } from '@rampart/core';
import type { Service } from '@rampart/registry';

/** Workloads behind one port of a service that policies cannot tell apart. */
export interface TargetWorkload {
  readonly workload: WorkloadRef;
  readonly port: number;
  readonly instances: number;
}

/**
 * Who would be asked when a service is called: its registered instances, those alike only once. A service nobody registered
 * is taken to run as the account of its name with the label `app`, the way most are written down.
 */
export function targetWorkloads(name: ServiceName, service: Service | undefined): readonly TargetWorkload[] {
  const instances = service?.instances ?? [];
  if (instances.length === 0) {
    const workload = { namespace: name.namespace, serviceAccount: name.name, labels: { app: name.name } };
    return [{ workload, port: 0, instances: 0 }];
  }
  const alike = Map.groupBy(instances, ({ identity, labels, port }) =>
    JSON.stringify([identity, port, sortedEntries(labels)]),
  );
  return [...alike.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [{ workload: refOf(first), port: first.port, instances: group.length }];
  });
}

function sortedEntries(labels: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
}

function refOf({ identity, namespace, labels }: Service['instances'][number]): WorkloadRef {
  return { namespace, serviceAccount: SpiffeId.of(identity).serviceAccount ?? '', labels };
}
