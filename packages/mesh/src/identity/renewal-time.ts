import type { Clock, Random, Timer } from '@rampart/core';

/** Renewal is due at half-life, give or take a tenth of it (SPIRE's rotation rule), so that a fleet never renews as one. */
const JITTER = 0.1;
/**
 * Whatever the clock says, no sooner than after this share of its life: by a clock that is ahead of the issuer's, every
 * certificate is over, or nearly, when it comes.
 */
const LEAST_SHARE = 0.05;
/** Timers do not notice when the clock jumps: it is looked at this often. */
const LONGEST_SLEEP_MS = 60_000;

interface Issued {
  /** Unix milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly renewAt?: number | undefined;
}

/**
 * How long to wait with the renewal of a certificate that was issued now, in milliseconds: until `renewAt` (Unix milliseconds),
 * or through half of what is left.
 */
export function renewalDelay({ notBefore, notAfter, renewAt }: Issued, now: number, random: Random): number {
  // From now, not from notBefore: that lies in the past, as a cushion against clocks that go slow.
  const left = notAfter - now;
  const wait = renewAt === undefined ? left / 2 : Math.min(Math.max(renewAt - now, 0), left);
  const least = (notAfter - notBefore) * LEAST_SHARE;
  if (wait < least) return least * (1 + random() * JITTER);
  return wait + (random() * 2 - 1) * JITTER * Math.min(wait, left - wait);
}

/** When something is due. */
export interface Appointment {
  /** Unix milliseconds. */
  readonly at: number;
  /**
   * A certificate that is to be valid until then: after a jump back of the clock it may not be yet, and it is due at once. One
   * that is not yet valid to begin with is that of a control plane whose clock is ahead, and another one would be no better.
   */
  readonly certificate?: { readonly notBefore: number } | undefined;
}

/** Calls back once when something is due by the clock, within a minute after a jump. */
export function keepAppointment(clock: Clock, { at, certificate }: Appointment, due: () => void): Timer {
  let timer: Timer;
  const validFrom =
    certificate === undefined || clock.now() < certificate.notBefore ? -Infinity : certificate.notBefore;
  const sleep = (): void => {
    timer = clock.after(Math.min(Math.max(at - clock.now(), 1), LONGEST_SLEEP_MS), () => {
      const now = clock.now();
      if (now >= at || now < validFrom) due();
      else sleep();
    });
  };
  sleep();
  return { cancel: () => timer.cancel() };
}
