import type { SpiffeId, TrustDomain } from '@rampart/core';
import type { ParsedCertificate } from '../certificate/parsed-certificate.ts';

/** What every certificate needs to be told. */
interface CommonTemplate {
  /** Positive number, big-endian, at most 20 bytes once encoded (RFC 5280 §4.1.2.2): see `randomSerial`. */
  readonly serial: Uint8Array;
  /** SubjectPublicKeyInfo of an EC P-256 key with an uncompressed point, DER. */
  readonly publicKeyDer: Uint8Array;
  /** Unix milliseconds, cut down to whole seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Self-signed anchor of a trust domain. */
export interface RootTemplate extends CommonTemplate {
  readonly kind: 'root';
  readonly trustDomain: TrustDomain;
  readonly commonName: string;
  /** Absent: any depth below. */
  readonly pathLength?: 1;
}

/** CA below a root; issues leaves only (path length 0). */
export interface IntermediateTemplate extends CommonTemplate {
  readonly kind: 'intermediate';
  readonly issuer: ParsedCertificate;
  readonly trustDomain: TrustDomain;
  readonly commonName: string;
}

/** X509-SVID of a workload: its SPIFFE ID and nothing else. */
export interface WorkloadTemplate extends CommonTemplate {
  readonly kind: 'workload';
  readonly issuer: ParsedCertificate;
  readonly spiffeId: SpiffeId;
  /** Where the revocation list of the issuer is. */
  readonly crlUrl?: string;
  /** Leaves the subject out and marks the SAN critical; otherwise the subject is "O=Rampart". */
  readonly emptySubject?: boolean;
}

/** X509-SVID that clients outside the mesh can check by host name too. */
export interface ServerTemplate extends CommonTemplate {
  readonly kind: 'server';
  readonly issuer: ParsedCertificate;
  readonly spiffeId: SpiffeId;
  /** Lower-case host names, a leading "*." label allowed. */
  readonly dnsNames?: readonly string[];
  /** IPv4 or IPv6 literals. */
  readonly ipAddresses?: readonly string[];
  /** Where the revocation list of the issuer is. */
  readonly crlUrl?: string;
  readonly emptySubject?: boolean;
}

/** One shape per kind of certificate, so that nothing about a kind is a flag. */
export type CertificateTemplate = RootTemplate | IntermediateTemplate | WorkloadTemplate | ServerTemplate;
