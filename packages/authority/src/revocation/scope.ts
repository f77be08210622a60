import { SpiffeId } from '@rampart/core';
import type { CertificateRecord } from '../store.ts';
import type { RuleAct } from './act.ts';

/** Which leaf certificates on record are meant. Each field that is given narrows it. */
export interface CertificateScope {
  readonly spiffeId?: string;
  /** A DNS label. */
  readonly namespace?: string;
  /** Name of the issuing authority. */
  readonly issuer?: string;
  /** Unix milliseconds: meant is what has its notBefore at or before this, or was issued at or before `issuedUntil`. */
  readonly notBeforeUntil: number;
  readonly issuedUntil: number;
}

/** What of the certificates on record a scope means, as long as they have not ended and are not revoked. */
export interface ScopeContent {
  readonly count: number;
  /** A few of them. */
  readonly newest: readonly CertificateRecord[];
  /** Those whose notBefore is later than the scope's. */
  readonly stragglers: readonly CertificateRecord[];
}

export function scopeOf({
  spiffeId,
  namespace,
  issuer,
  notBeforeUntil,
  issuedUntil,
}: Pick<RuleAct, 'spiffeId' | 'namespace' | 'issuer' | 'notBeforeUntil' | 'issuedUntil'>): CertificateScope {
  return {
    ...(spiffeId === undefined ? {} : { spiffeId }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(issuer === undefined ? {} : { issuer: issuer.name }),
    notBeforeUntil,
    issuedUntil,
  };
}

/** Whether a leaf certificate on record is meant. */
export function isMeant(scope: CertificateScope, record: CertificateRecord): boolean {
  if (record.kind === 'root' || record.kind === 'intermediate') return false;
  if (scope.spiffeId !== undefined && scope.spiffeId !== record.spiffeId) return false;
  if (scope.issuer !== undefined && scope.issuer !== record.issuer) return false;
  if (scope.namespace !== undefined && scope.namespace !== SpiffeId.of(record.spiffeId).namespace) return false;
  return record.notBefore <= scope.notBeforeUntil || record.issuedAt <= scope.issuedUntil;
}
