/**
 * The messages between data planes and the control plane as plain objects with their encoders. Loads no descriptors: a
 * data plane lives in other people's processes, and reflection over messages would cost each of them 15 MB.
 */
export {
  AttestRequest,
  ChallengeRequest,
  ChallengeResponse,
  ControlPlaneMessage,
  DataPlaneMessage,
  LeaseRequest,
  LeaseResponse,
  RegisterInstance,
  RenewRequest,
  SvidResponse,
  TakeNoncesRequest,
  TakeNoncesResponse,
  TelemetryBatch,
} from './gen/plain/rampart/v1/control.ts';
export type {
  Endpoint,
  NetworkFacts,
  NonceClaim,
  QuotaShare,
  QuotaWant,
  ResourceUpdate,
  RevocationRule,
  ServiceUpdate,
} from './gen/plain/rampart/v1/control.ts';
