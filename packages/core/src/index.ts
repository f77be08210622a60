export type { AccessLogRecord, ConnectionRefusal, ConnectionRefusalKind } from './access-log.ts';
export type { Clock, Random, Timer } from './clock.ts';
export { assertNever, RampartError, type ErrorCode } from './errors.ts';
export { principalOf } from './identity/principal.ts';
export { SpiffeId } from './identity/spiffe-id.ts';
export { TrustDomain } from './identity/trust-domain.ts';
export { matchesLabels } from './labels.ts';
export type { ConnectionAttributes, RequestAttributes, TokenFacts } from './policy/attributes.ts';
export { ENFORCED_IN_PROCESS, requiredFeatures } from './policy/features.ts';
export type { PolicyFeature, RequiredFeature } from './policy/features.ts';
export type { ConnectionPolicy } from './policy/connection-policy.ts';
export type { AuthorizerDemand } from './policy/authorizer-demand.ts';
export {
  meshSettingsOf,
  type ExtAuthzProvider,
  type JwtRule,
  type MeshSettings,
  type ServiceTokenPolicy,
} from './policy/mesh-settings.ts';
export { normalizePath, pathOf, type PathNormalization } from './policy/path.ts';
export { judgeBy, judgeQuestion, policyFor } from './policy/question.ts';
export type { Callee, MeshFacts, Question } from './policy/question.ts';
export type { WorkloadRef } from './policy/selection.ts';
export type { TlsMode } from './policy/tls-mode.ts';
export { compileWorkloadPolicy, denyAll, type CompileInput, type WorkloadPolicy } from './policy/workload-policy.ts';
export type { DryRunVerdict, Verdict } from './policy/verdict.ts';
export { toDocument, toJson } from './resource/canonical.ts';
export type { AuthorizationCondition } from './resource/authorization/condition.ts';
export type { AuthorizationOperation } from './resource/authorization/operation.ts';
export type {
  AuthorizationAction,
  AuthorizationPolicySpec,
  ExtensionProvider,
} from './resource/authorization/policy.ts';
export type { AuthorizationRule } from './resource/authorization/rule.ts';
export type { AuthorizationSource } from './resource/authorization/source.ts';
export { isDryRun } from './resource/dry-run.ts';
export { DEFAULT_NAMESPACE, parseResource } from './resource/parse.ts';
export type { MutualTls, MutualTlsMode, PeerAuthenticationSpec } from './resource/peer-authentication.ts';
export { describeProblem, type ResourceProblem } from './resource/problem.ts';
export { qualifiedName, resourceKey } from './resource/resource.ts';
export type {
  AuthorizationPolicy,
  PeerAuthentication,
  Resource,
  ResourceKind,
  ResourceMeta,
} from './resource/resource.ts';
export type { WorkloadSelector } from './resource/selector.ts';
export type { TargetRef } from './resource/authorization/target-ref.ts';
export { fail, ok, type Result } from './result.ts';
export { parseServiceName, serviceHost, type ServiceName } from './service-name.ts';
