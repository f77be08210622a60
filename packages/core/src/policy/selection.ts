import { matchesLabels } from '../labels.ts';
import type { Resource } from '../resource/resource.ts';

/** The workload that policies are compiled for. */
export interface WorkloadRef {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Targets that are always another workload: a gateway of its own. */
const ELSEWHERE: ReadonlySet<string> = new Set(['Gateway', 'GatewayClass']);

/**
 * Whether a resource is about a workload: of the root namespace or its own, with a selector that its labels satisfy.
 * A PeerAuthentication of the root namespace counts only without selector. A policy with `targetRefs` is about its
 * targets; one that targets services counts here, so that it can be refused rather than left out.
 */
export function selects(resource: Resource, workload: WorkloadRef, rootNamespace: string): boolean {
  const { namespace } = resource.metadata;
  if (namespace !== rootNamespace && namespace !== workload.namespace) return false;
  const labels = resource.spec.selector?.matchLabels;
  if (!matchesLabels(labels, workload.labels)) return false;
  switch (resource.kind) {
    case 'PeerAuthentication':
      return namespace !== rootNamespace || Object.keys(labels ?? {}).length === 0;
    case 'AuthorizationPolicy':
      return resource.spec.targetRefs?.every((target) => ELSEWHERE.has(target.kind)) !== true;
  }
}

/** Istio's order of resources: oldest first, then by name, then by namespace. */
export function byAge(a: Resource, b: Resource): number {
  const age = (a.metadata.createdAt ?? 0) - (b.metadata.createdAt ?? 0);
  return (
    age || compareText(a.metadata.name, b.metadata.name) || compareText(a.metadata.namespace, b.metadata.namespace)
  );
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
