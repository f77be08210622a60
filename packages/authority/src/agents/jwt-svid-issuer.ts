import type { SpiffeId } from '@rampart/core';

/** A JWT-SVID that is asked for. */
export interface JwtSvidRequest {
  readonly spiffeId: SpiffeId;
  /** At least one. */
  readonly audiences: readonly string[];
  /** Absent: what tokens live otherwise. */
  readonly ttlMs?: number;
  /** SPIFFE ID of who asked: the workload itself, or its agent. */
  readonly requestedBy: string;
  readonly sourceIp: string;
  /** "namespace/name" of the registration entry. */
  readonly entryId: string;
}

export interface IssuedJwtSvid {
  /** JWS compact serialization. Secret. */
  readonly token: string;
  readonly spiffeId: SpiffeId;
  /** Unix milliseconds. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** Signs JWT-SVIDs for those who were found to be entitled; each is on the audit record before it resolves. */
export interface JwtSvidIssuer {
  issue(request: JwtSvidRequest): Promise<IssuedJwtSvid>;
}
