export type { EcCurve, EcPublicJwk, PublicJwk, RsaPublicJwk } from './bundle/public-jwk.ts';
export { readPublicJwk, toPublicJwk } from './bundle/public-jwk.ts';
export { parseBundleJson, parseBundleMap } from './bundle/read.ts';
export { bundleToPem, checkBundle, type JwtAuthority, type TrustBundle } from './bundle/trust-bundle.ts';
export { bundleMapToJson, bundleToJson, jwksOf, oidcKeysOf, type JsonWebKeySet } from './bundle/write.ts';
export { buildCrl, type CrlTemplate } from './crl/build.ts';
export { CrlLines } from './crl/lines.ts';
export { isCrlOf, parseCrl, type ParsedCrl } from './crl/parse.ts';
export { reasonNumber, reasonOfName, reasonOfNumber, REVOCATION_REASONS } from './crl/revoked-certificate.ts';
export type { RevocationReason, RevokedCertificate } from './crl/revoked-certificate.ts';
export { parseAuthorityCsr } from './issuance/authority-csr.ts';
export { createAuthorityRequest, type AuthorityRequest } from './issuance/authority-request.ts';
export { buildCertificate, type TbsSigner } from './issuance/builder.ts';
export { randomSerial, serialAt } from './issuance/serial-number.ts';
export type { KeyUsage } from './certificate/key-usage.ts';
export { parseCertificate, type ParsedCertificate, unhonouredExtensions } from './certificate/parsed-certificate.ts';
export type {
  CertificateTemplate,
  IntermediateTemplate,
  RootTemplate,
  ServerTemplate,
  WorkloadTemplate,
} from './issuance/template.ts';
export { createCsr, parseCsr, type CertificateRequest, type CsrProblem, type CsrRule } from './csr.ts';
export { generateKeyPair, type KeyPair } from './key-pair.ts';
export type { JwtSvidAlgorithm } from './jwt-svid/algorithms.ts';
export { algorithmOf } from './jwt-svid/algorithms.ts';
export { issueJwtSvid, type JwtSvidClaims, type JwtSvidKey } from './jwt-svid/issue.ts';
export { parseJwtSvid, type JwtSvid } from './jwt-svid/parse.ts';
export type { JwtSvidProblem, JwtSvidProblemCode } from './jwt-svid/problem.ts';
export { verifyJwtSvid, type JwtSvidTrust } from './jwt-svid/verify.ts';
export { fromPem, toPem } from './pem.ts';
export { bindingText, type PossessionBinding, provePossession, verifyPossession } from './possession.ts';
export type { PublicKeyInfo, PublicKeyKind } from './public-key-info.ts';
export {
  describeRule,
  isRevokedBy,
  type RevocableCertificate,
  type RevocableToken,
  type RevocationRule,
} from './revocation/rule.ts';
export { RevocationRuleSet } from './revocation/rule-set.ts';
export { checkAuthorityProfile } from './svid/authority-profile.ts';
export type { SvidProblem, SvidProblemCode } from './svid/problem.ts';
export { verifyAuthority, type AuthorityTrust } from './svid/verify-authority.ts';
export { verifyChain, verifySvid, type SvidTrust, type VerifiedSvid } from './svid/verify.ts';
export { checkWorkloadProfile } from './svid/workload-profile.ts';
