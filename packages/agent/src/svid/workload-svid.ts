import type { SpiffeId } from '@rampart/core';

/** An X.509-SVID that this agent holds for workloads of its host, in memory only. */
export interface WorkloadSvid {
  readonly spiffeId: SpiffeId;
  /** DER certificates, leaf first. */
  readonly chain: readonly Uint8Array[];
  /** PKCS#8, DER. Secret. */
  readonly key: Uint8Array;
  /** Lower-case hex. */
  readonly serial: string;
  /** Unix milliseconds. */
  readonly notAfter: number;
  /** Of the entry that it was issued for. */
  readonly terms: string;
}

export interface IssuedToken {
  /** JWS compact serialization. Secret. */
  readonly token: string;
  /** Unix milliseconds. */
  readonly expiresAt: number;
  readonly terms: string;
}
