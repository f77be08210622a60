import type { Lifetimes } from '../issuance/lifetimes.ts';
import type { AuthorityState } from '../store.ts';

const DAY_MS = 24 * 3600 * 1000;

/** A span of time in Unix milliseconds. */
export interface Span {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** When the successor of an authority is made, and when it takes over, in Unix milliseconds. */
export interface RotationTimes {
  readonly prepareAt: number;
  readonly activateAt: number;
}

/**
 * SPIRE's rule (pkg/server/ca/manager/manager.go): the next authority is prepared when half of the life is left, at most 30
 * days, and activated when a sixth is left, at most 7 days.
 */
export function rotationOf({ notBefore, notAfter }: Span): RotationTimes {
  const life = notAfter - notBefore;
  return {
    prepareAt: notAfter - Math.min(life / 2, 30 * DAY_MS),
    activateAt: notAfter - longestGuaranteedLife(life),
  };
}

/** The same rule for a root, counted from the moment at which it could no longer give an intermediate its whole life. */
export function rootRotationOf(
  { notBefore, notAfter }: Span,
  { intermediateMs }: Pick<Lifetimes, 'intermediateMs'>,
): RotationTimes {
  const reserved = Math.min(intermediateMs, (notAfter - notBefore) / 2);
  return rotationOf({ notBefore, notAfter: notAfter - reserved });
}

/**
 * The longest life that every leaf is sure to get, at any moment of the life of its authority, in milliseconds: what is left
 * of the authority when the next one takes over. Longer ones end with their authority.
 */
export function longestGuaranteedLife(authorityLifeMs: number): number {
  return Math.min(authorityLifeMs / 6, 7 * DAY_MS);
}

/**
 * How long a root is published before it signs, in milliseconds: as long as a workload's certificate lives, at most a day, so
 * that whoever was cut off has renewed and heard of it, or is out anyway.
 */
function publicationMs({ workloadMs }: Pick<Lifetimes, 'workloadMs'>): number {
  return Math.min(workloadMs, DAY_MS);
}

/** From when on whoever matters has heard of a root, Unix milliseconds: one that signs, or has signed, was published before. */
export function knownAt(
  root: { readonly state: AuthorityState; readonly since: number } | undefined,
  lifetimes: Pick<Lifetimes, 'workloadMs'>,
): number {
  return root?.state === 'prepared' ? root.since + publicationMs(lifetimes) : 0;
}
