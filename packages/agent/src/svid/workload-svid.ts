import type { RevocableCertificate } from '@rampart/spiffe';

/** An X.509-SVID that this agent holds for workloads of its host, in memory only. */
export interface WorkloadSvid extends RevocableCertificate {
  /** DER certificates, leaf first. */
  readonly chain: readonly Uint8Array[];
  /** PKCS#8, DER. Secret. */
  readonly key: Uint8Array;
  /** Unix milliseconds. */
  readonly notAfter: number;
  /** When to get the next one, jitter not counted; undefined for half of what is left. */
  readonly renewAt: number | undefined;
  /** Of the entry that it was issued for. */
  readonly terms: string;
}

export interface IssuedToken {
  /** JWS compact serialization. Secret. */
  readonly token: string;
  /** Unix milliseconds. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly terms: string;
}
