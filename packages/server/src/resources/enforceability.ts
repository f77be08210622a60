import {
  concernsCallers,
  ENFORCED_IN_PROCESS,
  isTraffic,
  type PolicyFeature,
  qualifiedName,
  requiredFeatures,
  type Resource,
  selects,
} from '@rampart/core';
import type { Objection } from '@rampart/core/documents';

/** A connected data plane, as far as it matters to what policies may ask. */
export interface EnforcingPlane {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Features it declared. */
  readonly capabilities: ReadonlySet<string>;
}

export interface EnforceabilityOptions {
  readonly rootNamespace: string;
  readonly planes: readonly EnforcingPlane[];
}

/** Features that no data plane of this version has. */
const KNOWN: ReadonlySet<PolicyFeature> = new Set(ENFORCED_IN_PROCESS);

/** Why a feature that nothing here has cannot be had, and what to write instead. */
const ABSENT: Partial<Record<PolicyFeature, string>> = {
  'authorization.target-refs':
    'there is no gateway yet that a policy could be attached to; pick the workloads with spec.selector.matchLabels',
  'authorization.envoy-filter': 'no filter of Envoy runs here that could set it',
};

/**
 * What the data planes could not hold of a resource, each by name. A policy that is accepted is enforced everywhere it
 * reaches: one that is not enforced, or only in places, would be a promise nobody keeps.
 */
export function unenforceable(resource: Resource, options: EnforceabilityOptions): Objection[] {
  const objections: Objection[] = [];
  for (const { feature, field } of requiredFeatures(resource)) {
    const why = KNOWN.has(feature)
      ? lackingPlane(feature, resource, options)
      : (ABSENT[feature] ?? 'no data plane can enforce it yet');
    if (why !== undefined) {
      objections.push({
        code: 'UNSUPPORTED_FEATURE',
        message: `${resource.kind} ${qualifiedName(resource)} needs ${feature}: ${why}`,
        field,
      });
    }
  }
  return objections;
}

function lackingPlane(feature: PolicyFeature, resource: Resource, options: EnforceabilityOptions): string | undefined {
  const lacking = options.planes.filter(
    (plane) => !plane.capabilities.has(feature) && concerns(resource, plane, options.rootNamespace),
  );
  if (lacking.length === 0) {
    return undefined;
  }
  const names = lacking.slice(0, 3).map(({ name }) => name);
  return `${names.join(', ')}${lacking.length > names.length ? ` and ${lacking.length - names.length} more` : ''} cannot enforce it`;
}

/** A mesh's configuration is every data plane's business, and a rule about calls that of the callers. */
function concerns(resource: Resource, plane: EnforcingPlane, rootNamespace: string): boolean {
  if (isTraffic(resource)) return concernsCallers(resource, { namespace: plane.namespace, rootNamespace });
  return resource.kind === 'MeshConfig' || selects(resource, plane, rootNamespace);
}
