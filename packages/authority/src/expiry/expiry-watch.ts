import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '@rampart/core';
import { auditRecord } from '@rampart/journal';
import type { AuditEvent, Journal } from '@rampart/journal';
import type { HierarchyControl } from '../hierarchy/control.ts';
import type { AuthorityStore, CertificateRecord } from '../store.ts';
import { dueWarning, FIRST_WARNING_MS, lateAt, LONG_LIVED_MS, mustRotate } from './expiry.ts';
import type { Validity } from './expiry.ts';

/** A certificate that somebody is known to use now, and to renew by himself. */
export interface UsedCertificate extends Validity {
  /** Lower-case hex. */
  readonly serial: string;
  /** SPIFFE ID. */
  readonly spiffeId: string;
  /** Share of its life after which it is renewed. */
  readonly renewalShare: number;
}

/** Who uses certificates, and how they are reached. */
export interface CertificateUse {
  inUse(): Promise<readonly UsedCertificate[]>;
  /** Has the holder of a certificate renew it now, if it can be told. Answers whether it was. */
  rotate(serial: string): boolean;
}

export interface ExpiryWatchOptions extends CertificateUse {
  readonly store: Pick<AuthorityStore, 'longLivedCertificates'>;
  readonly journal: Journal;
  readonly clock: Pick<Clock, 'now'>;
  readonly hierarchy: Pick<HierarchyControl, 'describe'>;
}

const HOUR_MS = 3600 * 1000;
/** Who was told to renew is not told again for so long. */
const PATIENCE_MS = 600_000;
/** Older records than these are forgotten; at worst something is said twice. */
const MOST_RECORDS = 10_000;
/** Certificates that are looked at before others have their turn. */
const AT_ONCE = 50;

interface Said {
  readonly at: number;
  /** 0 for a renewal that is late. */
  readonly days: number;
}

/**
 * Says once each on the audit record that a long-lived certificate ends in 60, 30 and 7 days, and that a renewal is late; has
 * those who are late renew when less than 7 days are left. What was said is read back from the record, so that a restart says
 * nothing twice.
 */
export class ExpiryWatch {
  readonly #options: ExpiryWatchOptions;
  /** By serial; for each number of days one. */
  readonly #said = new Map<string, Said[]>();
  readonly #told = new Map<string, number>();
  /** Leaves that end soon and that another one took the place of: a rotation is for good. */
  readonly #replaced = new Set<string>();
  #scannedAt: number | undefined;

  private constructor(options: ExpiryWatchOptions) {
    this.#options = options;
  }

  static async open(options: ExpiryWatchOptions): Promise<ExpiryWatch> {
    const watch = new ExpiryWatch(options);
    for (const kind of ['CERTIFICATE_EXPIRING', 'CERTIFICATE_RENEWAL_LATE']) {
      const query = { stream: 'audit', kind, limit: MOST_RECORDS, order: 'newest-first' } as const;
      for (const entry of await options.journal.read(query)) {
        const { serial, days } = auditRecord(entry).details;
        if (typeof serial === 'string')
          watch.#note(serial, { at: entry.at, days: typeof days === 'number' ? days : 0 });
      }
    }
    return watch;
  }

  /** Looks at what is due now. Renewals are looked at each time, all certificates on record once an hour. */
  async check(): Promise<void> {
    const now = this.#options.clock.now();
    await this.#checkRenewals(now);
    // A clock that went back makes the last scan one of the future.
    if (this.#scannedAt !== undefined && Math.abs(now - this.#scannedAt) < HOUR_MS) return;
    this.#scannedAt = now;
    await this.#checkLongLived(now);
  }

  async #checkLongLived(now: number): Promise<void> {
    const { store, journal } = this.#options;
    const ending = await store.longLivedCertificates({
      after: now,
      before: now + FIRST_WARNING_MS,
      lifeMs: LONG_LIVED_MS,
    });
    const serials = new Set(ending.map(({ serial }) => serial));
    for (const serial of this.#replaced) if (!serials.has(serial)) this.#replaced.delete(serial);
    for (const [index, certificate] of ending.entries()) {
      if (index % AT_ONCE === AT_ONCE - 1) await turn();
      const warning = dueWarning(certificate, now);
      if (warning === undefined || this.#hasSaid(certificate.serial, warning.days, now)) continue;
      if (await this.#isReplaced(certificate)) continue;
      await journal.audit(expiring(certificate, warning, now));
      this.#note(certificate.serial, { at: now, days: warning.days });
    }
  }

  /** A leaf that was rotated, an authority that signs no more. */
  async #isReplaced({ serial, kind, spiffeId }: CertificateRecord): Promise<boolean> {
    if (kind === 'root' || kind === 'intermediate') {
      const state = this.#options.hierarchy.describe().find((authority) => authority.serial === serial)?.state;
      return state !== 'active' && state !== 'prepared';
    }
    if (this.#replaced.has(serial)) return true;
    const about = { field: 'old_serial', value: serial } as const;
    const [rotation] = await this.#options.journal.read({ spiffeId, about, limit: 1, order: 'newest-first' });
    if (rotation !== undefined) this.#replaced.add(serial);
    return rotation !== undefined;
  }

  async #checkRenewals(now: number): Promise<void> {
    const { journal, inUse, rotate } = this.#options;
    const used = await inUse();
    const serials = new Set(used.map(({ serial }) => serial));
    for (const serial of this.#told.keys()) if (!serials.has(serial)) this.#told.delete(serial);
    for (const certificate of used) {
      if (now < lateAt(certificate, certificate.renewalShare) || now >= certificate.notAfter) continue;
      const { serial } = certificate;
      const isTold = mustRotate(certificate, now) && this.#mayTell(serial, now) && rotate(serial);
      if (isTold) this.#told.set(serial, now);
      if (this.#hasSaid(serial, 0, now)) continue;
      this.#note(serial, { at: now, days: 0 });
      await journal.audit(late(certificate, isTold));
    }
  }

  #mayTell(serial: string, now: number): boolean {
    const last = this.#told.get(serial);
    return last === undefined || Math.abs(now - last) >= PATIENCE_MS;
  }

  /** Whether this, or something more urgent, was said. What was said in the future was said by a clock that was wrong. */
  #hasSaid(serial: string, days: number, now: number): boolean {
    const said = this.#said.get(serial) ?? [];
    return said.some((one) => one.at <= now && (days === 0 ? one.days === 0 : one.days > 0 && one.days <= days));
  }

  #note(serial: string, said: Said): void {
    const before = (this.#said.get(serial) ?? []).filter(({ days }) => days !== said.days);
    this.#said.set(serial, [...before, said]);
  }
}

function expiring(
  { serial, kind, spiffeId, workload, notAfter }: CertificateRecord,
  { days, severity }: { readonly days: number; readonly severity: string },
  now: number,
): AuditEvent {
  const left = Math.round((notAfter - now) / 1000);
  const details = { serial, kind, days, severity, left_seconds: left, not_after: new Date(notAfter).toISOString() };
  return {
    eventType: 'CERTIFICATE_EXPIRING',
    serviceName: workload?.service ?? '',
    identity: spiffeId,
    result: 'SUCCESS',
    details,
  };
}

function late({ serial, spiffeId, notAfter }: UsedCertificate, isTold: boolean): AuditEvent {
  const details = { serial, not_after: new Date(notAfter).toISOString(), told_to_renew: isTold };
  return { eventType: 'CERTIFICATE_RENEWAL_LATE', identity: spiffeId, result: 'FAILURE', details };
}
