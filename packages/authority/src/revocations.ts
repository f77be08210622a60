import type { SpiffeId } from '@rampart/core';
import {
  describeRule,
  reasonOfName,
  type RevocableCertificate,
  type RevocableToken,
  type RevocationReason,
  type RevocationRule,
  RevocationRuleSet,
} from '@rampart/spiffe';
import { endOf, type RevocationAct, type RevokedCertificateFacts, type RuleAct, ruleOf } from './revocation/act.ts';
import { isMeant, scopeOf } from './revocation/scope.ts';
import type { CertificateRecord } from './store.ts';

const EVERY_IDENTITY = '';

/** Something that is no longer trusted. */
export type RevocationEvent =
  | { readonly kind: 'certificates'; readonly serials: readonly string[] }
  | { readonly kind: 'rule'; readonly rule: RevocationRule };

/** Hears of every revocation once it is durable. */
export type RevocationListener = (event: RevocationEvent) => void;

/** A certificate that is revoked by its serial. */
export interface RevokedSerial {
  readonly serial: string;
  readonly reason: RevocationReason;
}

/**
 * What is revoked and would otherwise be valid, and who is barred. That of ended certificates is kept until it is forgotten on
 * purpose: by the clock alone, one that jumps ahead and back would take revocations back.
 */
export class Revocations {
  #forgottenBefore: number;
  readonly #serials = new Map<string, { readonly notAfter: number; readonly reason: RevocationReason }>();
  readonly #rules = new RevocationRuleSet();
  /** By the identity that they are about, so that many of them cost a renewal nothing. */
  readonly #actsOf = new Map<string, RuleAct[]>();
  readonly #barred = new Set<string>();
  readonly #listeners = new Set<RevocationListener>();

  /**
   * `revoked` are records of certificates that were revoked by their serial. What is about certificates that ended before
   * `forgottenBefore` (Unix milliseconds) is left out.
   */
  constructor(forgottenBefore: number, revoked: readonly CertificateRecord[]) {
    this.#forgottenBefore = forgottenBefore;
    for (const record of revoked) this.#put(record, reasonIn(record.revocation?.reason ?? ''));
  }

  has(serial: string): boolean {
    return this.#serials.has(serial);
  }

  /** Why a certificate is revoked; undefined when it is not. */
  of(certificate: RevocableCertificate): string | undefined {
    const { serial, spiffeId } = certificate;
    if (this.has(serial)) return this.#text(serial, spiffeId.toString());
    const rule = this.#rules.ofCertificate(certificate);
    return rule === undefined ? undefined : describeRule(rule);
  }

  /** The same for what is on record. */
  ofRecord(record: CertificateRecord): string | undefined {
    if (record.revocation !== undefined || this.has(record.serial)) return this.#text(record.serial, record.spiffeId);
    const act = this.ruleOn(record);
    return act === undefined ? undefined : describeRule(ruleOf(act));
  }

  /** The act that revokes what is on record by a rule. */
  ruleOn(record: CertificateRecord): RuleAct | undefined {
    const isAbout = (act: RuleAct): boolean => isMeant(scopeOf(act), record);
    return this.#actsOf.get(record.spiffeId)?.find(isAbout) ?? this.#actsOf.get(EVERY_IDENTITY)?.find(isAbout);
  }

  /** Why a JWT-SVID is revoked; undefined when it is not. */
  ofToken(token: RevocableToken): string | undefined {
    const rule = this.#rules.ofToken(token);
    return rule === undefined ? undefined : describeRule(rule);
  }

  /** The first notBefore from which on no rule revokes such a certificate. */
  validFrom(certificate: RevocableCertificate): number {
    let { notBefore } = certificate;
    for (let rule = this.#rules.ofCertificate(certificate); rule !== undefined;) {
      notBefore = rule.notBeforeUntil + 1000;
      rule = this.#rules.ofCertificate({ ...certificate, notBefore });
    }
    return notBefore;
  }

  /** The first `iat`, in Unix milliseconds of a whole second, from which on no rule revokes a JWT-SVID of the identity. */
  tokensValidFrom(spiffeId: SpiffeId): number {
    let issuedAt = 0;
    for (let rule = this.#rules.ofToken({ spiffeId, issuedAt }); rule !== undefined;) {
      issuedAt = (Math.floor(rule.issuedUntil / 1000) + 1) * 1000;
      rule = this.#rules.ofToken({ spiffeId, issuedAt });
    }
    return issuedAt;
  }

  isBarred(spiffeId: SpiffeId): boolean {
    return this.#barred.has(spiffeId.toString());
  }

  barred(): string[] {
    return [...this.#barred];
  }

  serials(): string[] {
    return this.revokedSerials().map(({ serial }) => serial);
  }

  /** Those of ended certificates too, until they are forgotten. */
  revokedSerials(): RevokedSerial[] {
    return [...this.#serials].map(([serial, { reason }]) => ({ serial, reason }));
  }

  /** Forgets the serials of certificates that ended before a time, Unix milliseconds. */
  forget(endedBefore: number): void {
    this.#forgottenBefore = endedBefore;
    for (const [serial, { notAfter }] of this.#serials) if (notAfter < endedBefore) this.#serials.delete(serial);
  }

  reasonOf(serial: string): RevocationReason {
    return this.#serials.get(serial)?.reason ?? 'unspecified';
  }

  /** Costs the same however many there are. */
  get hasRules(): boolean {
    return !this.#rules.isEmpty;
  }

  rules(): readonly RevocationRule[] {
    return this.#rules.all();
  }

  rule(id: string): RevocationRule | undefined {
    return this.#rules.get(id);
  }

  /** What was in force before this process began; nobody is told. */
  restore(act: RevocationAct): void {
    this.#take(act);
  }

  /** Every listener is told, whatever the others do; throws what they threw afterwards. */
  enact(act: RevocationAct): void {
    this.#tell(this.#take(act));
  }

  onRevoked(listener: RevocationListener): () => void {
    // A listener of its own, so that the same function can be told twice and each can be ended.
    const own: RevocationListener = (event) => listener(event);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  #take(act: RevocationAct): RevocationEvent[] {
    if (act.kind === 'lift') {
      this.#barred.delete(act.spiffeId);
      return [];
    }
    if (act.kind === 'jwt-key' || endOf(act) < this.#forgottenBefore) return [];
    for (const certificate of act.certificates) this.#put(certificate, act.reason);
    const serials = act.certificates.map(({ serial }) => serial);
    const certificates = serials.length === 0 ? [] : [{ kind: 'certificates', serials } as const];
    if (act.kind === 'certificates') return certificates;
    const rule = ruleOf(act);
    this.#rules.add(rule);
    const subject = act.spiffeId ?? EVERY_IDENTITY;
    this.#actsOf.set(subject, [...(this.#actsOf.get(subject) ?? []), act]);
    if (act.bar && act.spiffeId !== undefined) this.#barred.add(act.spiffeId);
    return [{ kind: 'rule', rule }, ...certificates];
  }

  #put({ serial, notAfter }: Pick<RevokedCertificateFacts, 'serial' | 'notAfter'>, reason: RevocationReason): void {
    if (notAfter >= this.#forgottenBefore) this.#serials.set(serial, { notAfter, reason });
  }

  #text(serial: string, spiffeId: string): string {
    return `certificate ${serial} of ${spiffeId} is revoked (${this.reasonOf(serial)})`;
  }

  #tell(events: readonly RevocationEvent[]): void {
    const listeners = [...this.#listeners];
    const failures = events.flatMap((event) => listeners.flatMap((listener) => failureOf(() => listener(event))));
    if (failures.length > 0)
      throw new AggregateError(failures, `it is revoked, but of those who are to be told ${failures.length} failed`);
  }
}

function failureOf(work: () => void): unknown[] {
  try {
    work();
    return [];
  } catch (error) {
    return [error];
  }
}

/** The reason in the text on a certificate's record: its first word, where that is the name of one. */
export function reasonIn(text: string): RevocationReason {
  return reasonOfName(text.split(':', 1)[0] ?? '') ?? 'unspecified';
}

/** The grounds that a text stands for: the name of a reason, or words. */
export function groundsIn(text: string): { readonly reason: RevocationReason; readonly note: string } {
  const reason = reasonOfName(text);
  return reason === undefined ? { reason: 'unspecified', note: text } : { reason, note: '' };
}

/** The stored form of a serial as people write it: any case, with or without colons and leading zeros of a whole byte. */
export function normalizeSerial(text: string): string {
  return text
    .replaceAll(':', '')
    .toLowerCase()
    .replace(/^(?:00)+(?=..)/, '');
}
