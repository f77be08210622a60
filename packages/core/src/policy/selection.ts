import { matchesLabels, matchesLabelSelector } from '../labels.ts';
import type { Resource } from '../resource/resource.ts';
import type { WorkloadSelector } from '../resource/selector.ts';

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
 * A PeerAuthentication of the root namespace counts only without selector, a NetworkPolicy only in the workload's own
 * namespace. A policy with `targetRefs` is about its targets; one that targets services counts for every workload of
 * its namespace, so that it is refused rather than left out. Traffic rules, Namespaces, the MeshConfig and what only the
 * control plane reads are about no one workload.
 */
export function selects(
  resource: Resource,
  workload: Pick<WorkloadRef, 'namespace' | 'labels'>,
  rootNamespace: string,
): boolean {
  const isOwn = resource.metadata.namespace === workload.namespace;
  const isRoot = resource.metadata.namespace === rootNamespace;
  if ((!isOwn && !isRoot) || !isAboutWorkloads(resource)) return false;
  switch (resource.kind) {
    case 'NetworkPolicy':
      return isOwn && matchesLabelSelector(resource.spec.podSelector, workload.labels);
    case 'PeerAuthentication':
      return isRoot ? !hasLabels(resource.spec) : isFor(resource.spec, workload.labels);
    case 'ServiceTokenPolicy':
    case 'RateLimit':
    case 'RequestSignaturePolicy':
      return isFor(resource.spec, workload.labels);
    case 'AuthorizationPolicy':
    case 'RequestAuthentication': {
      const { targetRefs } = resource.spec;
      if (targetRefs === undefined) return isFor(resource.spec, workload.labels);
      return isOwn && !targetRefs.every(({ kind }) => ELSEWHERE.has(kind));
    }
  }
}

type OfNoWorkload =
  | 'VirtualService'
  | 'DestinationRule'
  | 'ServiceEntry'
  | 'Fallback'
  | 'Quarantine'
  | 'Namespace'
  | 'MeshConfig'
  | 'RegistrationEntry'
  | 'Attestor'
  | 'FederatedTrustDomain'
  | 'RegistryAcl'
  | 'RegistrySettings';

const OF_NO_WORKLOAD: ReadonlySet<string> = new Set<OfNoWorkload>([
  'VirtualService',
  'DestinationRule',
  'ServiceEntry',
  'Fallback',
  'Quarantine',
  'Namespace',
  'MeshConfig',
  'RegistrationEntry',
  'Attestor',
  'FederatedTrustDomain',
  'RegistryAcl',
  'RegistrySettings',
]);

/** Whether resources of this kind are about workloads that they select. */
export function isAboutWorkloads(resource: Resource): resource is Exclude<Resource, { readonly kind: OfNoWorkload }> {
  return !OF_NO_WORKLOAD.has(resource.kind);
}

interface Selecting {
  readonly selector?: WorkloadSelector;
}

function isFor({ selector }: Selecting, labels: WorkloadRef['labels']): boolean {
  return matchesLabels(selector?.matchLabels, labels);
}

function hasLabels({ selector }: Selecting): boolean {
  return Object.keys(selector?.matchLabels ?? {}).length > 0;
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
