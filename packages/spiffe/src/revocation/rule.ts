import type { SpiffeId } from '@rampart/core';
import type { RevocationReason } from '../crl/revoked-certificate.ts';

/** Revokes any number of certificates and JWT-SVIDs in one sentence. Each field that is given narrows what it is about. */
export interface RevocationRule {
  /** Unique. */
  readonly id: string;
  /** Name of the trust domain whose authority made it. */
  readonly trustDomain: string;
  /** "spiffe://…"; absent: every identity of the trust domain. */
  readonly spiffeId?: string;
  readonly namespace?: string;
  /** Key identifier of the authority that signed, lower-case hex. A rule that has it is about certificates only. */
  readonly issuerKeyId?: string;
  /** Certificates whose notBefore is at or before this, Unix milliseconds. */
  readonly notBeforeUntil: number;
  /** JWT-SVIDs whose `iat` is at or before this, Unix milliseconds. */
  readonly issuedUntil: number;
  readonly reason: RevocationReason;
}

/** What rules judge a certificate by. */
export interface RevocableCertificate {
  /** Lower-case hex. */
  readonly serial: string;
  readonly spiffeId: SpiffeId;
  /** Unix milliseconds. */
  readonly notBefore: number;
  readonly authorityKeyId: Uint8Array | undefined;
}

/** What rules judge a JWT-SVID by. */
export interface RevocableToken {
  readonly spiffeId: SpiffeId;
  /** `iat` in Unix milliseconds; a token that does not say counts as old. */
  readonly issuedAt: number | undefined;
}

export function isRevokedBy(rule: RevocationRule, certificate: RevocableCertificate): boolean {
  if (certificate.notBefore > rule.notBeforeUntil || !isAbout(rule, certificate.spiffeId)) return false;
  const { issuerKeyId } = rule;
  // One that names no authority may be of this one: whoever has its key can leave that out, and the path is valid all the same.
  return issuerKeyId === undefined || (hexOf(certificate.authorityKeyId) ?? issuerKeyId) === issuerKeyId;
}

export function isTokenRevokedBy(rule: RevocationRule, { spiffeId, issuedAt = 0 }: RevocableToken): boolean {
  return rule.issuerKeyId === undefined && issuedAt <= rule.issuedUntil && isAbout(rule, spiffeId);
}

/** "every certificate of spiffe://… issued until 2026-01-20T10:30:00.000Z is revoked (keyCompromise)". */
export function describeRule({ spiffeId, namespace, issuerKeyId, issuedUntil, reason }: RevocationRule): string {
  const whose = [
    ...(spiffeId === undefined ? [] : [`of ${spiffeId}`]),
    ...(namespace === undefined ? [] : [`of namespace ${namespace}`]),
    ...(issuerKeyId === undefined ? [] : [`signed with key ${issuerKeyId}`]),
  ];
  return [
    'every certificate',
    ...whose,
    `issued until ${new Date(issuedUntil).toISOString()} is revoked (${reason})`,
  ].join(' ');
}

function isAbout({ trustDomain, spiffeId, namespace }: RevocationRule, id: SpiffeId): boolean {
  if (trustDomain !== id.trustDomain.name) return false;
  if (spiffeId !== undefined && spiffeId !== id.toString()) return false;
  return namespace === undefined || namespace === id.namespace;
}

function hexOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('hex');
}
