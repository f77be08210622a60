export { AccessRecord, type AccessRecordOptions, type DecidedQuestion } from './access/access-record.ts';
export { authenticateRequest } from './access/authentication.ts';
export type {
  Authenticated,
  AuthenticationFailure,
  AuthenticationOptions,
  CertificateProblem,
  Credentials,
  TokenService,
} from './access/authentication.ts';
export { RegistryAccess, type AskedResource, type RegistryAccessOptions } from './access/authorization.ts';
export { AgentNetworks, isInNetworks } from './access/agent-networks.ts';
export { CheckWarrant, type SpeakingAgent } from './access/check-warrant.ts';
export { GuardedDiscovery } from './access/guarded-discovery.ts';
export type { DiscoveryCaller, GuardedDiscoveryOptions, PolicyChanges } from './access/guarded-discovery.ts';
export type { RegistryAction } from './access/permission.ts';
export { RegistryPolicy, type Decision, type DecisionOutcome } from './access/registry-policy.ts';
export { parseResourceText, resourceText, type RegistryResource } from './access/resource.ts';
export type { Admission, AdmissionRefusal, InstanceAction, RefusalEvent } from './admission/admission.ts';
export { nameOfIdentity, type RegistryIdentity } from './admission/identity.ts';
export { Approvals } from './admission/approval/approvals.ts';
export type {
  ApprovalChoice,
  ApprovalRequest,
  ApprovalsOptions,
  Decider,
  ApprovalStanding,
} from './admission/approval/approvals.ts';
export {
  createMemoryApprovalStore,
  type ApprovalRecord,
  type ApprovalState,
  type ApprovalStore,
} from './admission/approval/store.ts';
export { ownServiceAdmission } from './admission/own-service.ts';
export {
  SecureAdmission,
  type RegistrationStanding,
  type SecureAdmissionOptions,
} from './admission/secure-admission.ts';
export type { Anomaly, AnomalyKind, AnomalyReason, RegistryObservation } from './anomalies/anomaly.ts';
export { AnomalyDetector, DEFAULT_REGISTRATIONS_PER_HOUR, type AnomalyDetectorOptions } from './anomalies/detector.ts';
export { observationOf, watchedJournal, type AnomalyWatchOptions } from './anomalies/watched-journal.ts';
export type { ServiceChange, ServiceListener } from './discovery/catalogue.ts';
export type {
  Discovered,
  DiscoveredInstance,
  Discovery,
  DiscoveryQuery,
  InstanceChange,
  InstanceGone,
  InstancePut,
  ServiceKey,
  ServiceSummary,
  Watch,
  WatchEvent,
  WatchOpened,
  WatchRefusal,
  WatchScope,
} from './discovery/discovery.ts';
export type { Service } from './discovery/service.ts';
export type {
  CheckDefinition,
  CheckKind,
  CheckState,
  CheckStatus,
  GrpcCheck,
  HttpCheck,
  ScriptCheck,
  TcpCheck,
  TtlCheck,
} from './health/check.ts';
export type { CheckRequest } from './health/check-request.ts';
export {
  type CheckSecrets,
  hasCheckSecrets,
  joinCheckSecrets,
  splitCheckSecrets,
  withoutCheckSecrets,
} from './health/check-secrets.ts';
export { isUsable, type InstanceHealth, type InstanceState, type Standing } from './health/instance-state.ts';
export type { Probe, ProbeResult } from './health/probe.ts';
export { type ProbeLimits, probeLimits } from './health/probe-target.ts';
export type { LeaseKind } from './leases/leases.ts';
export { REVOKED_REASON } from './events.ts';
export { createMemoryRegistryStore } from './memory-store.ts';
export { apartId, givenIdOf, isApart } from './registration/owned-id.ts';
export type { DeregistrationRequest, RegistrationRequest } from './registration/registration.ts';
export { openRegistry } from './registry.ts';
export type { AgentReport, CheckReport, Registry, RegistryOptions, ReportRefusal } from './registry.ts';
export type { Instance, Locality, RegistryStore, StoredInstance, Weights } from './store.ts';
export { asGivenBy } from './sensitive/visible-instance.ts';
export { DEFAULT_SENSITIVE, SensitiveKeys } from './sensitive/sensitive-keys.ts';
