export { openAuthority } from './authority.ts';
export type { Authority, AuthorityOptions, RenewalRequest, Requester, ServerIdentity } from './authority.ts';
export type { IssuedSvid } from './issuance/issuance.ts';
export type { JoinToken } from './attestation/join-tokens.ts';
export type { Lifetimes } from './issuance/lifetimes.ts';
export { createMemoryAuthorityStore } from './memory-store.ts';
export type { RevocationListener } from './revocations.ts';
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
