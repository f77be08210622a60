import type { RevocationReason, RevocationRule } from '@rampart/spiffe';
import type { CertificateKind, CertificateRecord } from '../store.ts';

/** What every act says. */
interface CommonAct {
  /** Unique, random. */
  readonly id: string;
  /** Unix milliseconds. */
  readonly at: number;
  /** SPIFFE ID or operator's name. */
  readonly by: string;
  readonly reason: RevocationReason;
  /** In words; "" for none. */
  readonly note: string;
}

/** As much of a revoked certificate as makes it recognisable where its record is gone. */
export interface RevokedCertificateFacts {
  readonly serial: string;
  readonly kind: CertificateKind;
  readonly spiffeId: string;
  /** As in records: the name of the issuing authority. */
  readonly issuer: string;
  readonly notAfter: number;
}

/** Certificates by their serials. */
export interface CertificatesAct extends CommonAct {
  readonly kind: 'certificates';
  readonly certificates: readonly RevokedCertificateFacts[];
}

/** An authority that signs, in all forms in which others name it. */
export interface IssuerName {
  readonly serial: string;
  /** As in records. */
  readonly name: string;
  /** Lower-case hex. */
  readonly keyId: string;
}

/** Everything of an identity, or everything, that was issued until a time. */
export interface RuleAct extends CommonAct {
  readonly kind: 'identity' | 'issued-before';
  readonly trustDomain: string;
  readonly spiffeId?: string;
  readonly namespace?: string;
  readonly issuer?: IssuerName;
  /** Unix milliseconds. */
  readonly issuedUntil: number;
  readonly notBeforeUntil: number;
  /** Certificates that were issued in time and whose notBefore does not show it, because the clock or their issuer was behind. */
  readonly certificates: readonly RevokedCertificateFacts[];
  /** The identity gets nothing any more. */
  readonly bar: boolean;
}

/** A barred identity may attest again. */
export interface LiftAct extends CommonAct {
  readonly kind: 'lift';
  readonly spiffeId: string;
}

/** A key of JWT-SVIDs, and with it every token that it signed. */
export interface JwtKeyAct extends CommonAct {
  readonly kind: 'jwt-key';
  readonly keyId: string;
  /** No token that it signed is valid for longer. */
  readonly notAfter: number;
}

/** One thing that was done about what is no longer trusted. Acts are never changed and never taken back. */
export type RevocationAct = CertificatesAct | RuleAct | LiftAct | JwtKeyAct;

/** Longer than anything lives that authorities sign for leaves. */
const RULE_LIFE_MS = 400 * 24 * 3600 * 1000;

/** From when on an act has no effect any more, because whatever it was about has ended; bars and lifts have no end. */
export function endOf(act: RevocationAct): number {
  if (act.kind === 'certificates') return Math.max(...act.certificates.map(({ notAfter }) => notAfter));
  if (act.kind === 'jwt-key') return act.notAfter;
  return act.kind === 'lift' || act.bar ? Infinity : act.issuedUntil + RULE_LIFE_MS;
}

/** The certificates that an act names by their serials. */
export function certificatesIn(act: RevocationAct): readonly RevokedCertificateFacts[] {
  return act.kind === 'lift' || act.kind === 'jwt-key' ? [] : act.certificates;
}

export function isRule(act: RevocationAct): act is RuleAct {
  return act.kind === 'identity' || act.kind === 'issued-before';
}

/** The form in which data planes are told a rule. */
export function ruleOf({
  id,
  trustDomain,
  spiffeId,
  namespace,
  issuer,
  notBeforeUntil,
  issuedUntil,
  reason,
}: Omit<RuleAct, 'at' | 'by' | 'note' | 'certificates'>): RevocationRule {
  return {
    id,
    trustDomain,
    ...(spiffeId === undefined ? {} : { spiffeId }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(issuer === undefined ? {} : { issuerKeyId: issuer.keyId }),
    notBeforeUntil,
    issuedUntil,
    reason,
  };
}

export function factsOf({ serial, kind, spiffeId, issuer, notAfter }: CertificateRecord): RevokedCertificateFacts {
  return { serial, kind, spiffeId, issuer, notAfter };
}

/** How a reason and a note stand on the record of a certificate. */
export function reasonText({ reason, note }: Pick<CommonAct, 'reason' | 'note'>): string {
  if (note === '') return reason;
  return reason === 'unspecified' ? note : `${reason}: ${note}`;
}
