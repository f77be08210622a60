import type { AuthorizationCondition } from '../resource/authorization/condition.ts';
import { parseConditionKey, type ConditionKey } from '../resource/authorization/condition-key.ts';
import type { AuthorizationAction } from '../resource/authorization/policy.ts';
import type { AuthorizationRule } from '../resource/authorization/rule.ts';
import { DRY_RUN_ANNOTATION, isDryRun } from '../resource/dry-run.ts';
import { formatFieldPath, type FieldPath } from '../resource/problem.ts';
import type { AuthorizationPolicy, Resource, ResourceKind } from '../resource/resource.ts';

/** Something a data plane must be able to do before a resource that asks for it may be given to it. */
export type PolicyFeature =
  | 'peer-authentication'
  | 'request-authentication'
  | 'service-token'
  | 'network-policy'
  | 'rate-limit'
  | 'quarantine'
  | 'request-signature'
  | 'namespace'
  | 'mesh-config'
  | 'traffic'
  | 'registry-only'
  | 'authorization.allow'
  | 'authorization.deny'
  | 'authorization.audit'
  | 'authorization.custom'
  | 'authorization.dry-run'
  | 'authorization.http'
  | 'authorization.pseudo-headers'
  | 'authorization.jwt'
  | 'authorization.remote-ip'
  | 'authorization.target-refs'
  | 'authorization.envoy-filter';

export interface RequiredFeature {
  readonly feature: PolicyFeature;
  /** The first field that asks for it. */
  readonly field: string;
}

/** What the in-process data plane can enforce, and so what this package's evaluator can decide by itself. */
export const ENFORCED_IN_PROCESS: readonly PolicyFeature[] = [
  'peer-authentication',
  'request-authentication',
  'service-token',
  'network-policy',
  'rate-limit',
  'quarantine',
  'request-signature',
  'namespace',
  'mesh-config',
  'traffic',
  'registry-only',
  'authorization.allow',
  'authorization.deny',
  'authorization.audit',
  'authorization.custom',
  'authorization.dry-run',
  'authorization.http',
  'authorization.jwt',
  'authorization.remote-ip',
];

/** Kinds that only the control plane reads ask nothing of data planes. */
const KIND_FEATURES: Readonly<Partial<Record<ResourceKind, PolicyFeature>>> = {
  PeerAuthentication: 'peer-authentication',
  RequestAuthentication: 'request-authentication',
  ServiceTokenPolicy: 'service-token',
  NetworkPolicy: 'network-policy',
  RateLimit: 'rate-limit',
  Quarantine: 'quarantine',
  RequestSignaturePolicy: 'request-signature',
  Namespace: 'namespace',
  MeshConfig: 'mesh-config',
  VirtualService: 'traffic',
  DestinationRule: 'traffic',
  ServiceEntry: 'traffic',
  Fallback: 'traffic',
};
const ACTION_FEATURES: Readonly<Record<AuthorizationAction, PolicyFeature>> = {
  ALLOW: 'authorization.allow',
  DENY: 'authorization.deny',
  AUDIT: 'authorization.audit',
  CUSTOM: 'authorization.custom',
};
const SOURCE_FEATURES: ReadonlyMap<string, PolicyFeature> = new Map([
  ['requestPrincipals', 'authorization.jwt'],
  ['notRequestPrincipals', 'authorization.jwt'],
  ['remoteIpBlocks', 'authorization.remote-ip'],
  ['notRemoteIpBlocks', 'authorization.remote-ip'],
]);
const CONDITION_FEATURES: Partial<Record<ConditionKey['attribute'], PolicyFeature>> = {
  'remote.ip': 'authorization.remote-ip',
  'request.auth.principal': 'authorization.jwt',
  'request.auth.audiences': 'authorization.jwt',
  'request.auth.presenter': 'authorization.jwt',
  'request.auth.claims': 'authorization.jwt',
  'request.headers': 'authorization.http',
  'experimental.envoy.filters': 'authorization.envoy-filter',
};
/** Pseudo headers that every request has here, too; Envoy's others (":scheme") are nobody's yet. */
const KNOWN_PSEUDO_HEADERS: ReadonlySet<string> = new Set([':method', ':authority', ':path']);

/** Everything a resource asks of the data plane that gets it, each feature once, with the first field that asks for it. */
export function requiredFeatures(resource: Resource): RequiredFeature[] {
  const found = new Map<PolicyFeature, string>();
  const need = (feature: PolicyFeature, ...path: FieldPath): void => {
    if (!found.has(feature)) found.set(feature, formatFieldPath(path));
  };
  const ofKind = KIND_FEATURES[resource.kind];
  if (resource.kind === 'AuthorizationPolicy') collectPolicy(resource, need);
  else if (ofKind !== undefined) need(ofKind, 'kind');
  if (resource.kind === 'MeshConfig' && resource.spec.outboundTrafficPolicy?.mode === 'REGISTRY_ONLY') {
    need('registry-only', 'spec', 'outboundTrafficPolicy', 'mode');
  }
  if (resource.kind === 'RequestAuthentication' && resource.spec.targetRefs !== undefined) {
    need('authorization.target-refs', 'spec', 'targetRefs');
  }
  return [...found].map(([feature, field]) => ({ feature, field }));
}

type Need = (feature: PolicyFeature, ...path: FieldPath) => void;

function collectPolicy(policy: AuthorizationPolicy, need: Need): void {
  const { action, targetRefs, rules = [] } = policy.spec;
  need(ACTION_FEATURES[action], 'spec', 'action');
  if (isDryRun(policy)) need('authorization.dry-run', 'metadata', 'annotations', DRY_RUN_ANNOTATION);
  if (targetRefs !== undefined) need('authorization.target-refs', 'spec', 'targetRefs');
  rules.forEach((rule, index) =>
    collectRule(rule, (feature, ...path) => need(feature, 'spec', 'rules', index, ...path)),
  );
}

function collectRule(rule: AuthorizationRule, need: Need): void {
  (rule.from ?? []).forEach(({ source }, index) => {
    for (const field of usedFields(source)) {
      const feature = SOURCE_FEATURES.get(field);
      if (feature !== undefined) need(feature, 'from', index, 'source', field);
    }
  });
  (rule.to ?? []).forEach(({ operation }, index) => {
    for (const field of usedFields(operation)) {
      if (field !== 'ports' && field !== 'notPorts') need('authorization.http', 'to', index, 'operation', field);
    }
  });
  (rule.when ?? []).forEach((condition, index) => {
    const feature = conditionFeature(condition);
    if (feature !== undefined) need(feature, 'when', index, 'key');
  });
}

function conditionFeature(condition: AuthorizationCondition): PolicyFeature | undefined {
  const key = parseConditionKey(condition.key);
  if (!key.ok) return undefined;
  const isForeignPseudoHeader =
    key.value.attribute === 'request.headers' &&
    key.value.header.startsWith(':') &&
    !KNOWN_PSEUDO_HEADERS.has(key.value.header);
  return isForeignPseudoHeader ? 'authorization.pseudo-headers' : CONDITION_FEATURES[key.value.attribute];
}

/** An empty list asks for nothing. */
function usedFields(part: object): string[] {
  return Object.entries(part).flatMap(([field, values]) => (Array.isArray(values) && values.length > 0 ? [field] : []));
}
