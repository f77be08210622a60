import { InvalidArgumentError } from 'commander';
import { parseDuration } from './duration.ts';

const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;

/** A point in time: RFC 3339, "now", or how long ago. */
export type Moment = { readonly at: number } | { readonly ago: number };

/** "2026-01-20T10:30:00Z", "now", or a duration such as "2h" for two hours ago. */
export function parseMoment(text: string): Moment {
  if (text === 'now') return { ago: 0 };
  if (RFC_3339.test(text) && !Number.isNaN(Date.parse(text))) return { at: Date.parse(text) };
  try {
    return { ago: parseDuration(text) };
  } catch {
    throw new InvalidArgumentError(
      'write a time such as 2026-01-20T10:30:00Z, a duration such as 2h for that long ago, or now.',
    );
  }
}

/** Unix milliseconds. */
export function momentAt(moment: Moment, now: number): number {
  return 'at' in moment ? moment.at : now - moment.ago;
}
