export { bundleToPem, checkBundle, type TrustBundle } from './bundle.ts';
export { buildCertificate, randomSerial, type TbsSigner } from './issuance/builder.ts';
export type { KeyUsage } from './certificate/key-usage.ts';
export { parseCertificate, type ParsedCertificate } from './certificate/parsed-certificate.ts';
export type {
  CertificateTemplate,
  IntermediateTemplate,
  RootTemplate,
  ServerTemplate,
  WorkloadTemplate,
} from './issuance/template.ts';
export { createCsr, parseCsr, type CertificateRequest } from './csr.ts';
export { generateKeyPair, type KeyPair } from './key-pair.ts';
export { fromPem, toPem } from './pem.ts';
export type { PublicKeyInfo, PublicKeyKind } from './public-key-info.ts';
export { checkAuthorityProfile } from './svid/authority-profile.ts';
export type { SvidProblem, SvidProblemCode } from './svid/problem.ts';
export { verifyChain, verifySvid, type SvidTrust, type VerifiedSvid } from './svid/verify.ts';
export { checkWorkloadProfile } from './svid/workload-profile.ts';
