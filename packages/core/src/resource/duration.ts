import type { Cursor } from './cursor.ts';
import { fail, ok, type Result } from '../result.ts';

const TERM = /(\d+(?:\.\d+)?|\.\d+)(ns|us|µs|ms|s|m|h)/gy;
const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const MAX_LENGTH = 64;
/** Beyond a day no wait is meant. */
const DAY_MS = 86_400_000;

/** Reads a duration as Go writes it ("5s", "1m30s", "250ms") into milliseconds; from 1 ms (as Istio asks) to `mostMs`. */
function parseDuration(text: string, mostMs: number): Result<number, string> {
  let end = 0;
  let milliseconds = 0;
  for (const match of text.slice(0, MAX_LENGTH).matchAll(TERM)) {
    end = match.index + match[0].length;
    milliseconds += Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? 0);
  }
  if (end === 0 || end !== text.length) return fail('must be a duration such as "5s", "250ms" or "1m30s"');
  if (milliseconds < 1 || milliseconds > mostMs) {
    return fail(`must be a duration from 1ms to ${wholeUnits(mostMs)}`);
  }
  return ok(milliseconds);
}

/** In the largest unit that has no fraction. */
function wholeUnits(milliseconds: number): string {
  const unit = ['h', 'm', 's'].find((each) => milliseconds % (UNIT_MS[each] ?? 1) === 0) ?? 'ms';
  return `${milliseconds / (UNIT_MS[unit] ?? 1)}${unit}`;
}

/** The text that `readDuration` takes back. */
export function formatDuration(milliseconds: number): string {
  return milliseconds % 1000 === 0 ? `${milliseconds / 1000}s` : `${milliseconds}ms`;
}

/** Milliseconds from a duration in a document, a day at most unless told otherwise. */
export function readDuration(at: Cursor, mostMs: number = DAY_MS): number | undefined {
  const text = at.text('a duration such as "5s"');
  if (text === undefined) return undefined;
  const duration = parseDuration(text, mostMs);
  return duration.ok ? duration.value : at.error(duration.problem);
}
