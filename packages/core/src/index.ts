export { neverArrived } from './access-log.ts';
export type { AccessLogRecord, ConnectionRefusal, ConnectionRefusalKind } from './access-log.ts';
export { BoundedCache } from './bounded-cache.ts';
export { steadyClock } from './clock.ts';
export type { Clock, Random, Timer } from './clock.ts';
export { assertNever, RampartError, type ErrorCode } from './errors.ts';
export { isFixedInRequest, isFraming } from './fixed-headers.ts';
export { principalOf } from './identity/principal.ts';
export { SpiffeId } from './identity/spiffe-id.ts';
export { TrustDomain } from './identity/trust-domain.ts';
export { matchesLabels, matchesLabelSelector } from './labels.ts';
export type { ConnectionAttributes, RequestAttributes, TokenFacts } from './policy/attributes.ts';
export { clientAddress, plainAddress } from './policy/client-address.ts';
export { inIpBlock, parseIpAddress, parseIpBlock, type IpBlock } from './policy/match/address/ip-block.ts';
export { compileGlob } from './policy/match/glob.ts';
export { ENFORCED_IN_PROCESS, requiredFeatures } from './policy/features.ts';
export type { PolicyFeature, RequiredFeature } from './policy/features.ts';
export type { ConnectionPolicy } from './policy/connection-policy.ts';
export type { AuthorizerDemand } from './policy/authorizer-demand.ts';
export { LONGEST_LIMIT_KEY, rateOf, UNLIMITED } from './policy/limit/limits.ts';
export type { PolicyConnectionLimit, RequestLimit, RequestRate, WorkloadLimits } from './policy/limit/limits.ts';
export { signingRuleOf } from './policy/signature/rules.ts';
export type { SignatureRule, SigningRule } from './policy/signature/rules.ts';
export { meshSettingsOf, type MeshSettings } from './policy/mesh-settings.ts';
export { compileScopeRules, compileSubjects, type ScopesNeeded } from './policy/scope-rules.ts';
export { namespaceLabels, type NetworkPeerFacts } from './policy/network/facts.ts';
export { shutNetwork, type NetworkRules } from './policy/network/rules.ts';
export { normalizePath, pathOf, type PathNormalization } from './policy/path.ts';
export { judgeBy, judgeCall, judgeQuestion, policyFor } from './policy/question.ts';
export type { Callee, MeshFacts, Question } from './policy/question.ts';
export { selects, type WorkloadRef } from './policy/selection.ts';
export { isSignatureAlgorithm, type SignatureAlgorithm } from './policy/token/algorithms.ts';
export type { TokenClaims, TokenContent } from './policy/token/claims.ts';
export { endUserOf, rulesOfIssuer, tokenFacts, userClaimsProblem } from './policy/token/end-user.ts';
export type { EndUserOutcome, TokenPolicies } from './policy/token/end-user.ts';
export { parseJsonObject } from './policy/token/json-object.ts';
export { candidateKeys, readTokenKeys, type TokenKey } from './policy/token/key-set.ts';
export { MAX_TOKEN_LENGTH, readToken, type ParsedToken, type TokenDecoder } from './policy/token/parsed-token.ts';
export { ACCESS_TOKEN, serviceTokenPlaces, userTokenPlaces, type TokenPlaces } from './policy/token/places.ts';
export {
  compileServiceToken,
  judgeServiceTokens,
  SERVICE_TOKEN_MISSING,
  serviceTokenRefusal,
  unusableServiceToken,
} from './policy/token/service-token.ts';
export type { ServiceTokenFailure, ServiceTokenRule } from './policy/token/service-token.ts';
export type { TokenProblem } from './policy/token/token-problem.ts';
export { CLOCK_SKEW_SECONDS, timeProblem } from './policy/token/validity.ts';
export type { TlsMode } from './policy/tls-mode.ts';
export {
  compileWorkloadPolicy,
  denyAll,
  standing,
  type CompileInput,
  type WorkloadPolicy,
} from './policy/workload-policy.ts';
export type { DryRunVerdict, Verdict } from './policy/verdict.ts';
export { toDocument, toJson } from './resource/canonical.ts';
export type { AttestorSpec, AgentAdmission } from './resource/attestor/spec.ts';
export type { BundleEndpointProfile, FederatedTrustDomainSpec } from './resource/federation/spec.ts';
export { bundleUrlProblem } from './resource/federation/spec.ts';
export type { AwsIamAttestor } from './resource/attestor/aws-iam.ts';
export type { JwtAttestor, JwtProfile } from './resource/attestor/jwt.ts';
export type { X509PopAttestor } from './resource/attestor/x509pop.ts';
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
export { isForDataPlanes, scopeOfKind } from './resource/kinds.ts';
export type { MetadataScope } from './resource/metadata/metadata.ts';
export { DEFAULT_NAMESPACE, DEFAULT_ROOT_NAMESPACE, parseResource } from './resource/parse.ts';
export type { CheckedBody } from './resource/mesh-config/check-request.ts';
export type { ExtAuthzProvider } from './resource/mesh-config/provider.ts';
export type { MeshConfigSpec } from './resource/mesh-config/spec.ts';
export type { LabelExpression, LabelOperator, LabelSelector } from './resource/network-policy/label-selector.ts';
export type { AddressRange, NetworkPeer } from './resource/network-policy/peer.ts';
export type { NetworkPort, NetworkProtocol } from './resource/network-policy/port.ts';
export type { EgressRule, IngressRule, NetworkDirection, NetworkPolicySpec } from './resource/network-policy/spec.ts';
export type { HeaderMatch, RequestMatch } from './resource/rate-limit/match.ts';
export type { LimitKey, LimitUnit, RateLimitRule } from './resource/rate-limit/rule.ts';
export type { RequestSignatureSpec } from './resource/request-signature/spec.ts';
export type { ConnectionLimit, RateLimitSpec } from './resource/rate-limit/spec.ts';
export { DirectEntries, type EntryOverlap, isDirectEntry } from './resource/registration/direct-entries.ts';
export { deadSelectorReason, isEvidenceSelector, selectorTextProblem } from './resource/registration/selector-text.ts';
export { isAgentId, type RegistrationEntrySpec } from './resource/registration/spec.ts';
export type { AclPolicy, AclRule, RegistryAclSpec } from './resource/registry/acl.ts';
export { parseIdentityPattern, type IdentityPattern } from './resource/registry/identity-pattern.ts';
export { LEAST_RETENTION_DAYS, RETENTION_DAYS, retentionDays } from './resource/registry/audit-retention.ts';
export type { RetentionSetting } from './resource/registry/audit-retention.ts';
export { fillPattern } from './resource/registry/settings.ts';
export type {
  AgentNetworks,
  AnomalySettings,
  FailureSetting,
  RateSetting,
  RegistrationApproval,
  RegistryLimits,
  RegistrySettingsSpec,
  ServiceIdentityPattern,
  ServiceNetworks,
} from './resource/registry/settings.ts';
export type { JwtRule } from './resource/request-authentication/jwt-rule.ts';
export type { RequestAuthenticationSpec } from './resource/request-authentication/spec.ts';
export type { ClaimHeader, HeaderLocation } from './resource/request-authentication/token-location.ts';
export type { ScopeRule } from './resource/service-token/scope-rule.ts';
export type { ServiceTokenPolicySpec } from './resource/service-token/spec.ts';
export { hostOfService, serviceOfHost } from './traffic/host.ts';
export type { Destination, PortSelector } from './resource/traffic/destination.ts';
export type { ClientTls, ClientTlsMode } from './resource/traffic/destination-rule/client-tls.ts';
export type { ConnectionPool, HttpPool, TcpPool } from './resource/traffic/destination-rule/connection-pool.ts';
export type {
  ConsistentHash,
  HashCookie,
  LoadBalancer,
  SimpleBalancer,
  Warmup,
} from './resource/traffic/destination-rule/load-balancer.ts';
export type {
  LocalityFailover,
  LocalitySettings,
  LocalityShare,
} from './resource/traffic/destination-rule/locality.ts';
export type { OutlierDetection } from './resource/traffic/destination-rule/outlier-detection.ts';
export type { DestinationRuleSpec, Subset } from './resource/traffic/destination-rule/spec.ts';
export type {
  PortLevelSettings,
  PortPolicy,
  RetryBudget,
  TrafficPolicy,
} from './resource/traffic/destination-rule/traffic-policy.ts';
export type { FallbackResponse, FallbackSpec } from './resource/traffic/fallback/spec.ts';
export type { Percent } from './resource/traffic/document-form.ts';
export type { ServiceEntryEndpoint } from './resource/traffic/service-entry/endpoint.ts';
export type { ServiceEntryPort, ServiceEntryProtocol } from './resource/traffic/service-entry/port.ts';
export type { ServiceEntryResolution, ServiceEntrySpec } from './resource/traffic/service-entry/spec.ts';
export type {
  DirectBody,
  HttpDirectResponse,
  HttpRedirect,
  HttpRewrite,
  RegexRewrite,
} from './resource/traffic/virtual-service/actions.ts';
export type { FaultAbort, FaultDelay, HttpFault } from './resource/traffic/virtual-service/fault.ts';
export { GRPC_STATUSES } from './resource/traffic/virtual-service/fault.ts';
export type { HeaderChanges, HeaderOperations } from './resource/traffic/virtual-service/headers.ts';
export type { HttpMatch, TcpMatch } from './resource/traffic/virtual-service/match.ts';
export {
  isIdempotent,
  mayBeHandled,
  retryConditions,
  type HttpRetry,
  type RetryCondition,
  type RetryConditions,
} from './resource/traffic/virtual-service/retries.ts';
export type {
  HttpMirror,
  HttpRoute,
  HttpRouteDestination,
  TcpRoute,
  TcpRouteDestination,
} from './resource/traffic/virtual-service/route.ts';
export type { VirtualServiceSpec } from './resource/traffic/virtual-service/spec.ts';
export type { StringMatch } from './resource/traffic/virtual-service/string-match.ts';
export type { MutualTls, MutualTlsMode, PeerAuthenticationSpec } from './resource/peer-authentication.ts';
export { describeProblem, type ResourceProblem } from './resource/problem.ts';
export { qualifiedName, resourceKey } from './resource/resource.ts';
export type {
  Attestor,
  AuthorizationPolicy,
  DestinationRule,
  Fallback,
  FederatedTrustDomain,
  MeshConfig,
  Namespace,
  NetworkPolicy,
  PeerAuthentication,
  Quarantine,
  RateLimit,
  RequestSignaturePolicy,
  RegistrationEntry,
  RegistryAcl,
  RegistrySettings,
  RequestAuthentication,
  Resource,
  ResourceKind,
  ResourceMeta,
  ServiceEntry,
  ServiceTokenPolicy,
  VirtualService,
} from './resource/resource.ts';
export type { WorkloadSelector } from './resource/selector.ts';
export type { TargetRef } from './resource/authorization/target-ref.ts';
export { type ProcessStat, readProcessStat } from './process-stat.ts';
export { fail, ok, type Result } from './result.ts';
export { parseServiceName, serviceHost, type ServiceName } from './service-name.ts';
export { type OnceClaim, type OnceStanding, ReplayCache } from './replay-cache.ts';
export { type Rate, TokenBuckets } from './token-buckets.ts';
export { compileTraffic, noTraffic, type TrafficInput } from './traffic/compile.ts';
export { localityOf } from './traffic/policy/locality.ts';
export type { OutboundMode, OutsideEndpoint, OutsideService, ServiceRules, TrafficRules } from './traffic/rules.ts';
export type { Router } from './traffic/route/routes.ts';
export type {
  CompiledAnswer,
  CompiledBalancer,
  CompiledConnections,
  CompiledDestination,
  CompiledFallback,
  CompiledFault,
  CompiledHashSource,
  CompiledHeaderChanges,
  CompiledHeaders,
  CompiledLimits,
  CompiledLocality,
  CompiledMirror,
  CompiledOutlier,
  CompiledPolicy,
  CompiledRetries,
  CompiledRoute,
  CompiledWarmup,
  HeaderEntry,
  Locality,
  RoutedRequest,
  WeighedDestination,
} from './traffic/settings.ts';
export { concernsCallers, isTraffic, isTrafficKind, servicesOf, type TrafficResource } from './traffic/visibility.ts';
