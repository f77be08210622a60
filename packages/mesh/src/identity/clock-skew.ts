import { RampartError } from '@rampart/core';

interface Validity {
  /** Unix milliseconds. */
  readonly notBefore: number;
}

/** A certificate that comes has begun to be valid so long ago at most, by the clock of who issued it: its cushion, and the way here. */
const FRESH_MS = 30_000;
/** Less than that does no harm: certificates have a cushion, and tokens a leeway. */
const TOLERATED_MS = 60_000;

/** What is to be said of the clock of this host when a certificate was issued just now; undefined when it goes right. */
export function skewProblem({ notBefore }: Validity, now: number): string | undefined {
  const ahead = now - notBefore - FRESH_MS;
  if (ahead > TOLERATED_MS) return told(`${spanOf(ahead)} ahead of`);
  const behind = notBefore - now;
  return behind > TOLERATED_MS ? told(`${spanOf(behind)} behind`) : undefined;
}

function told(how: string): string {
  return `the clock of this host is about ${how} that of the control plane: set it; certificates, tokens and limits go by it`;
}

const OF_A_CLOCK: Readonly<Record<string, string>> = {
  CERT_NOT_YET_VALID: 'is not valid yet',
  CERT_HAS_EXPIRED: 'has expired',
};

/** The certificate of the control plane was not accepted for its time. */
export class ClockError extends RampartError {}

/** Says of a connection that failed for the time of a certificate what to look at; gives back every other failure. */
export function clockFailure(cause: unknown, now: number): unknown {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const what = OF_A_CLOCK[code];
  if (what === undefined) return cause;
  return new ClockError(
    'INVALID_CERTIFICATE',
    `the certificate of the control plane ${what} by the clock of this host, which says ${new Date(now).toISOString()}: set the clock that is wrong`,
    { cause },
  );
}

const UNITS: readonly (readonly [milliseconds: number, name: string])[] = [
  [86_400_000, 'days'],
  [3_600_000, 'hours'],
  [60_000, 'minutes'],
];

function spanOf(milliseconds: number): string {
  const [unit, name] = UNITS.find(([size]) => milliseconds >= 2 * size) ?? [1000, 'seconds'];
  return `${Math.round(milliseconds / unit)} ${name}`;
}
