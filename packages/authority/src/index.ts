export type { Agents } from './agents/agent-desk.ts';
export type { AgentCall } from './agents/events.ts';
export { openAuthority } from './authority.ts';
export type { Authority, AuthorityOptions, RenewalRequest, Requester, ServerIdentity } from './authority.ts';
export type { IssuedSvid } from './issuance/issuance.ts';
export type {
  Activation,
  AuthorityDescription,
  HierarchyControl,
  HierarchyEvent,
  HierarchyListener,
  HierarchyStatus,
  Target,
} from './hierarchy/control.ts';
export { httpsCa } from './hierarchy/upstream/https-ca.ts';
export type { HttpsCaOptions } from './hierarchy/upstream/https-ca.ts';
export type { ExternalCa, RootKey, Upstream } from './hierarchy/upstream/upstream.ts';
export { attestorProblem, type AttestorProblem } from './attestation/attestor-problem.ts';
export type { Challenge } from './attestation/challenges.ts';
export type { AwsIamEvidence, Evidence, JwtEvidence, X509PopEvidence } from './attestation/evidence.ts';
export type { EvidenceRequest } from './attestation/reception.ts';
export type { AskOutside, OutsideAnswer, OutsideRequest } from './outside/ask.ts';
export type { JoinToken } from './attestation/join-tokens.ts';
export { Turns } from './attestation/turns.ts';
export { checkLifetimes } from './issuance/lifetimes.ts';
export type { LifetimeOptions, LifetimeProfile, Lifetimes } from './issuance/lifetimes.ts';
export { workloadOfEntry } from './registration/entries.ts';
export type { CertificateUse, ExpiryWatch, UsedCertificate } from './expiry/expiry-watch.ts';
export type { EntrySource } from './registration/entries.ts';
export { createMemoryAuthorityStore } from './memory-store.ts';
export { normalizeSerial } from './revocations.ts';
export type { RevocationAct } from './revocation/act.ts';
export { keepJwtKeyRevocations } from './revocation/jwt-keys.ts';
export { CrlDesk, type PublishedCrl } from './revocation/crl-desk.ts';
export type { RevocationDesk, RevocationHit } from './revocation/desk.ts';
export { createMemoryRevocationEpoch, createMemoryRevocationStore } from './revocation/memory-store.ts';
export type { RevocationOrder } from './revocation/order.ts';
export type { CertificateScope } from './revocation/scope.ts';
export type { RevocationEpoch, RevocationStore } from './revocation/store.ts';
export type { RevocationEvent, RevocationListener, Revocations } from './revocations.ts';
export type {
  AttestationFacts,
  AuthorityState,
  AuthorityStore,
  CaCertificateRecord,
  CaRequestRecord,
  CertificateKind,
  CertificateQuery,
  CertificateRecord,
  ClockMarks,
  HierarchyChange,
  HierarchyNotes,
  JoinTokenClaim,
  JoinTokenRecord,
  Revocation,
  RevokedPage,
  RevokedRecord,
  WorkloadIdentity,
} from './store.ts';
export { openJwtAuthority, type JwtAuthorityOptions, type JwtSigningAlgorithm } from './jwt/jwt-authority.ts';
export type { IssuedJwtSvid, JwtAuthorities, JwtSvidIssuer, JwtSvidRequest } from './jwt/jwt-svid-issuer.ts';
export type { JwtLifetimes } from './jwt/lifetimes.ts';
export { createMemoryJwtKeyStore } from './jwt/memory-store.ts';
export type { JwtKeyRecord, JwtKeyStore } from './jwt/store.ts';
export { Federation, type FederationOptions } from './federation/federation.ts';
export type { NeighbourStatus } from './federation/neighbour.ts';
export { relationshipOf, type Relationship } from './federation/relationship.ts';
export { createMemoryFederationStore } from './federation/memory-store.ts';
export type { FederatedBundleRecord, FederationStore } from './federation/store.ts';
