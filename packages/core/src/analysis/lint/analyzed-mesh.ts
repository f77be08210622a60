import { meshSettingsOf, type MeshSettings } from '../../policy/mesh-settings.ts';
import type { MeshFacts } from '../../policy/question.ts';
import { selects } from '../../policy/selection.ts';
import type { AuthorizationRule } from '../../resource/authorization/rule.ts';
import { isDryRun } from '../../resource/dry-run.ts';
import type { AuthorizationPolicy, Resource, ResourceKind } from '../../resource/resource.ts';
import type { KnownWorkload } from '../known-workload.ts';

/** What only a running mesh can tell. */
export interface MeshState {
  /** Version of the control plane. */
  readonly version: string;
  readonly planes: readonly { readonly name: string; readonly version: string }[];
  /** Certificates of workloads that are still good. */
  readonly certificates: readonly { readonly principal: string; readonly lifetimeMs: number }[];
  /** Whether any request is on record. */
  readonly hasAccessLog: boolean;
}

export interface AnalyzedMeshParts extends MeshFacts {
  /** Undefined when nobody knows which workloads there are. */
  readonly workloads: readonly KnownWorkload[] | undefined;
  /** Principals that exist beside those of the workloads: callers that serve nothing. */
  readonly identities?: readonly string[];
  /** Undefined when only files are known. */
  readonly state?: MeshState | undefined;
}

/** A rule and where it stands. */
export interface PlacedRule {
  readonly policy: AuthorizationPolicy;
  readonly rule: AuthorizationRule;
  readonly index: number;
  /** "spec.rules[0]". */
  readonly at: string;
}

const PRODUCTION: ReadonlySet<string> = new Set(['production', 'prod']);
/** `env`, `environment`, `stage`, `tier`, with or without the prefix of somebody's domain. */
const PRODUCTION_LABEL = /^(?:.+\/)?(?:env|environment|stage|tier)$/;

type OfKind<K extends ResourceKind> = Extract<Resource, { readonly kind: K }>;

type SelectingResource = OfKind<'AuthorizationPolicy' | 'RequestAuthentication' | 'ServiceTokenPolicy'>;

/** Everything that lints look at, with the questions that many of them ask answered once. */
export class AnalyzedMesh {
  readonly facts: MeshFacts;
  readonly workloads: readonly KnownWorkload[] | undefined;
  readonly state: MeshState | undefined;
  /** Principals that exist; undefined when nobody knows. */
  readonly principals: ReadonlySet<string> | undefined;
  /** AuthorizationPolicies that are enforced. */
  readonly enforced: readonly AuthorizationPolicy[];
  /** Every rule of every AuthorizationPolicy, tried-out ones too. */
  readonly rules: readonly PlacedRule[];
  readonly settings: MeshSettings;

  constructor({ workloads, state, identities = [], ...facts }: AnalyzedMeshParts) {
    this.facts = facts;
    this.workloads = workloads;
    this.state = state;
    this.principals =
      workloads === undefined ? undefined : new Set([...workloads.map(({ principal }) => principal), ...identities]);
    const policies = this.ofKind('AuthorizationPolicy');
    this.enforced = policies.filter((policy) => !isDryRun(policy));
    this.rules = policies.flatMap(rulesOf);
    this.settings = meshSettingsOf(facts.resources, facts.rootNamespace);
  }

  ofKind<K extends ResourceKind>(kind: K): readonly OfKind<K>[] {
    return this.facts.resources.filter((resource): resource is OfKind<K> => resource.kind === kind);
  }

  /** Workloads that a resource is about; undefined when nobody knows the workloads. */
  selectedBy(resource: Resource): readonly KnownWorkload[] | undefined {
    return this.workloads?.filter((workload) => selects(resource, workload, this.facts.rootNamespace));
  }

  /** Whether one of two resources selects the workloads that the other one describes. */
  shareWorkloads(one: SelectingResource, other: SelectingResource): boolean {
    return this.#isWithin(one, other) || this.#isWithin(other, one);
  }

  #isWithin({ metadata, spec }: SelectingResource, wide: SelectingResource): boolean {
    const described = { namespace: metadata.namespace, labels: spec.selector?.matchLabels ?? {} };
    return selects(wide, described, this.facts.rootNamespace);
  }

  /** Workloads of services that a resource is about; none when nobody knows the workloads. */
  servingBy(resource: Resource): readonly KnownWorkload[] {
    return (this.selectedBy(resource) ?? []).filter(({ service }) => service !== undefined);
  }

  isRoot(namespace: string): boolean {
    return namespace === this.facts.rootNamespace;
  }

  /** Namespaces of services, of policies, and those that have a resource of their own; the root namespace is none of them. */
  namespaces(): readonly string[] {
    const names = this.facts.resources.map(({ kind, metadata }) =>
      kind === 'Namespace' ? metadata.name : metadata.namespace,
    );
    const serving = (this.workloads ?? []).filter(({ service }) => service !== undefined);
    const all = new Set([...names, ...serving.map(({ namespace }) => namespace)]);
    return [...all].filter((name) => name !== '' && !this.isRoot(name)).sort();
  }

  /** The resource that labels a namespace. */
  namespace(name: string): OfKind<'Namespace'> | undefined {
    return this.ofKind('Namespace').find(({ metadata }) => metadata.name === name);
  }

  /** Whether a namespace is named production (or prod), or labelled so by `env`, `environment`, `stage` or `tier`. */
  isProduction(name: string): boolean {
    const labels = this.namespace(name)?.metadata.labels ?? {};
    const says = ([label, value]: [string, string]): boolean =>
      PRODUCTION_LABEL.test(label) && PRODUCTION.has(value.toLowerCase());
    return PRODUCTION.has(name) || Object.entries(labels).some(says);
  }
}

export function rulesOf(policy: AuthorizationPolicy): readonly PlacedRule[] {
  return (policy.spec.rules ?? []).map((rule, index) => ({ policy, rule, index, at: `spec.rules[${index}]` }));
}

/** Where no file says which workloads there are. */
export const WORKLOADS_UNKNOWN = 'needs to know the workloads: run it against a mesh, or name them with --workloads';
/** Where only a running mesh could tell. */
export const MESH_UNKNOWN = 'can only be seen in a running mesh';
