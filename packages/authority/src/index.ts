export type {
  AuthorityStore,
  CaCertificateRecord,
  CertificateKind,
  CertificateRecord,
  JoinTokenConsumption,
  JoinTokenRecord,
  Revocation,
  WorkloadIdentity,
} from './store.ts';
export { createMemoryAuthorityStore } from './memory-store.ts';
