import { RampartError } from '@rampart/core';

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;

/** How far notBefore lies in the past, for peers whose clock is behind (SPIRE's default). */
const CUSHION_MS = 10 * SECOND;

/** How long certificates live, in milliseconds. */
export interface Lifetimes {
  readonly rootMs: number;
  readonly intermediateMs: number;
  readonly workloadMs: number;
  /** Longest life that a registration entry may ask for, from notBefore to notAfter; the cushion counts. */
  readonly longestWorkloadMs: number;
  /** Of the control plane's own certificate. */
  readonly serverMs: number;
  /** Share of a workload certificate's life after which it is renewed, give or take a tenth. */
  readonly renewalShare: number;
}

/**
 * `mesh`: a day, renewed at half of it. `observatory`: 90 days, renewed at three quarters (67.5 days), for what cannot renew
 * every day.
 */
export type LifetimeProfile = 'mesh' | 'observatory';

/** A profile with what is given in its place. */
export interface LifetimeOptions extends Partial<Lifetimes> {
  /** "mesh" unless given. */
  readonly profile?: LifetimeProfile;
}

const MESH: Lifetimes = {
  rootMs: 3650 * DAY,
  intermediateMs: 365 * DAY,
  workloadMs: DAY,
  longestWorkloadMs: DAY,
  serverMs: 7 * DAY,
  renewalShare: 0.5,
};

const PROFILES: Readonly<Record<LifetimeProfile, Lifetimes>> = {
  mesh: MESH,
  observatory: {
    ...MESH,
    intermediateMs: 1095 * DAY,
    workloadMs: 90 * DAY,
    longestWorkloadMs: 90 * DAY,
    renewalShare: 0.75,
  },
};

/** The lives of a profile, with what is given in their place. Throws `RampartError` INVALID_ARGUMENT for lives that cannot be. */
export function checkLifetimes({ profile = 'mesh', ...given }: LifetimeOptions = {}): Lifetimes {
  const lifetimes = { ...PROFILES[profile], ...given };
  const { renewalShare, ...lives } = lifetimes;
  for (const [name, milliseconds] of Object.entries(lives)) {
    demand(Number.isFinite(milliseconds) && milliseconds >= SECOND, `${name} must be at least a second`);
  }
  demand(renewalShare >= 0.1 && renewalShare <= 0.9, 'renewalShare must be 0.1 to 0.9');
  const { workloadMs, longestWorkloadMs, serverMs, intermediateMs } = lifetimes;
  demand(
    workloadMs <= longestWorkloadMs,
    `workloadMs must be at most ${longestWorkloadMs / HOUR} hours in the profile "${profile}"${profile === 'mesh' ? '; longer ones are for the profile "observatory"' : ''}`,
  );
  demand(intermediateMs > Math.max(workloadMs, serverMs), 'intermediateMs must be longer than workloadMs and serverMs');
  demand(lifetimes.rootMs > intermediateMs, 'rootMs must be longer than intermediateMs');
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
