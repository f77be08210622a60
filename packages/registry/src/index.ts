export type { Admission, AdmissionRefusal, InstanceAction, RefusalEvent } from './admission/admission.ts';
export { nameOfIdentity, type RegistryIdentity } from './admission/identity.ts';
export { ownServiceAdmission } from './admission/own-service.ts';
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
export { isUsable, type InstanceHealth, type InstanceState, type Standing } from './health/instance-state.ts';
export type { LeaseKind } from './leases/leases.ts';
export { createMemoryRegistryStore } from './memory-store.ts';
export type { DeregistrationRequest, RegistrationRequest } from './registration/registration.ts';
export { openRegistry } from './registry.ts';
export type { CheckReport, Registry, RegistryOptions } from './registry.ts';
export type { Instance, Locality, RegistryStore, StoredInstance, Weights } from './store.ts';
