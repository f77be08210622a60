import type { Member } from '../balance/member.ts';
import type { OutlierSettings } from '../settings/resilience.ts';
import { isFailure, isGatewayError } from './outcome.ts';
import type { Outcome } from './outcome.ts';

const DEFAULT_MAX_EJECTION_MS = 300_000;

/** Leaves instances out for a while that fail several times in a row (Envoy's outlier detection, consecutive errors). */
export class Outliers {
  readonly #settings: OutlierSettings;
  readonly #members: readonly Member[];
  readonly #most: number;
  /** The next time at which one of them is given requests again. */
  #nextReturn = Number.POSITIVE_INFINITY;

  constructor(settings: OutlierSettings, members: readonly Member[]) {
    this.#settings = settings;
    this.#members = members;
    const most = Math.floor((members.length * settings.maxEjectionPercent) / 100);
    // Of a few instances one may be out, too, as long as there is another.
    this.#most = Math.max(most, settings.maxEjectionPercent > 0 && members.length > 1 ? 1 : 0);
    this.#findReturn();
  }

  /** Counts one try. Returns true when its instance is out from now on. */
  saw(member: Member, outcome: Outcome, now: number): boolean {
    if (!this.#isBeyond(member, outcome)) return false;
    clear(member);
    return member.ejectedUntil <= now && this.#eject(member, now);
  }

  isOut(member: Member, now: number): boolean {
    return member.ejectedUntil > now;
  }

  /** Whether one was due to come back since this was asked last. */
  hasReturned(now: number): boolean {
    if (now < this.#nextReturn) return false;
    this.#findReturn(now);
    return true;
  }

  /** Too few are in: then all are used, as if nobody had been looked at. */
  isPanic(available: number): boolean {
    return available < (this.#members.length * this.#settings.minHealthPercent) / 100;
  }

  #isBeyond(member: Member, outcome: Outcome): boolean {
    const { consecutive5xx, consecutiveGateway, consecutiveLocal } = this.#settings;
    const isLocal = outcome.end !== 'answer';
    if (isLocal && consecutiveLocal > 0) {
      member.errorsLocal += 1;
      return member.errorsLocal >= consecutiveLocal;
    }
    if (!isLocal) member.errorsLocal = 0;
    member.errors5xx = isFailure(outcome) ? member.errors5xx + 1 : 0;
    member.errorsGateway = isLocal || isGatewayError(outcome.status) ? member.errorsGateway + 1 : 0;
    return (
      (consecutive5xx > 0 && member.errors5xx >= consecutive5xx) ||
      (consecutiveGateway > 0 && member.errorsGateway >= consecutiveGateway)
    );
  }

  #eject(member: Member, now: number): boolean {
    const out = this.#members.reduce((count, each) => (each.ejectedUntil > now ? count + 1 : count), 0);
    if (out >= this.#most) return false;
    const { intervalMs, baseEjectionMs, maxEjectionMs = DEFAULT_MAX_EJECTION_MS } = this.#settings;
    const forgiven = Math.floor(Math.max(0, now - member.ejectedUntil) / intervalMs);
    member.timesEjected = Math.max(0, member.timesEjected - forgiven) + 1;
    const longest = Math.max(maxEjectionMs, baseEjectionMs);
    member.ejectedUntil = now + Math.min(baseEjectionMs * member.timesEjected, longest);
    this.#nextReturn = Math.min(this.#nextReturn, member.ejectedUntil);
    return true;
  }

  #findReturn(now = Number.NEGATIVE_INFINITY): void {
    this.#nextReturn = Number.POSITIVE_INFINITY;
    for (const { ejectedUntil } of this.#members)
      if (ejectedUntil > Math.max(now, 0)) this.#nextReturn = Math.min(this.#nextReturn, ejectedUntil);
  }
}

function clear(member: Member): void {
  member.errors5xx = 0;
  member.errorsGateway = 0;
  member.errorsLocal = 0;
}
