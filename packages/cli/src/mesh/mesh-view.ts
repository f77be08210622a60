import type { Callee, MeshFacts, ServiceName } from '@rampart/core';
import type { KnownWorkload, MeshState } from '@rampart/core/analysis';

/** A mesh that can be asked about: the one that runs, or the one that files describe. */
export interface MeshView {
  readonly facts: MeshFacts;
  /** Workloads that are there, those that serve nothing too; none when only files are known. */
  readonly workloads: readonly KnownWorkload[];
}

/** A running mesh, with what can be learned of it beside its policies. */
export interface ObservedMesh extends MeshView {
  /** Principals of callers that are registered for no service. */
  readonly identities: readonly string[];
  readonly state: MeshState;
}

/** Who is asked when a service is called: its workloads, those that policies cannot tell apart once. */
export function calleesOf(view: MeshView, service: ServiceName, port: number): readonly Callee[] {
  const workloads = view.workloads.filter(
    (workload) => workload.service?.name === service.name && workload.service.namespace === service.namespace,
  );
  const callees = workloads.map((workload): Callee => {
    const { namespace, serviceAccount, labels } = workload;
    return { namespace, serviceAccount, labels, service, port: port || workload.port };
  });
  return [...new Map(callees.map((callee) => [JSON.stringify(callee), callee])).values()];
}

/** The workload that a service nobody has started will most likely be: its own account, and its name as the label "app". */
export function likelyCallee(
  service: ServiceName,
  {
    port = 0,
    labels = { app: service.name },
  }: { readonly port?: number; readonly labels?: Readonly<Record<string, string>> } = {},
): Callee {
  return { namespace: service.namespace, serviceAccount: service.name, labels, service, port };
}
