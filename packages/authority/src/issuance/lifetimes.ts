import { RampartError } from '@rampart/core';

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;

/** Longest life of a workload's certificate, from notBefore to notAfter. */
export const MAX_WORKLOAD_MS: number = DAY;
/** How far notBefore lies in the past, for peers whose clock is behind (SPIRE's default). */
const CUSHION_MS = 10 * SECOND;

/** How long certificates live, in milliseconds. */
export interface Lifetimes {
  readonly rootMs: number;
  readonly intermediateMs: number;
  /** At most 24 hours. */
  readonly workloadMs: number;
  /** Of the control plane's own certificate. */
  readonly serverMs: number;
}

const DEFAULTS: Lifetimes = { rootMs: 3650 * DAY, intermediateMs: 365 * DAY, workloadMs: DAY, serverMs: 7 * DAY };

/** The defaults with what is given in their place. Throws `RampartError` INVALID_ARGUMENT for lives that cannot be. */
export function checkLifetimes(given: Partial<Lifetimes> = {}): Lifetimes {
  const lifetimes = { ...DEFAULTS, ...given };
  for (const [name, milliseconds] of Object.entries(lifetimes)) {
    demand(Number.isFinite(milliseconds) && milliseconds >= SECOND, `${name} must be at least a second`);
  }
  demand(lifetimes.workloadMs <= MAX_WORKLOAD_MS, 'workloadMs must be at most 24 hours');
  demand(
    lifetimes.intermediateMs > Math.max(lifetimes.workloadMs, lifetimes.serverMs),
    'intermediateMs must be longer than workloadMs and serverMs',
  );
  demand(lifetimes.rootMs > lifetimes.intermediateMs, 'rootMs must be longer than intermediateMs');
  return lifetimes;
}

/** notBefore of a certificate made at `now`, unless its issuer is younger than that. */
export function notBeforeOf(now: number): number {
  return wholeSeconds(now - CUSHION_MS);
}

/** Validity of a certificate made at `now`, in whole seconds and within that of its issuer. */
export function validity(
  now: number,
  lifeMs: number,
  issuer?: { readonly notBefore: number; readonly notAfter: number },
): { notBefore: number; notAfter: number } {
  const notBefore = Math.max(notBeforeOf(now), issuer?.notBefore ?? 0);
  const notAfter = Math.min(wholeSeconds(now + lifeMs), issuer?.notAfter ?? Infinity);
  return { notBefore, notAfter };
}

function wholeSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / SECOND) * SECOND;
}

function demand(condition: boolean, what: string): void {
  if (!condition) throw new RampartError('INVALID_ARGUMENT', `certificate lifetimes: ${what}`);
}
