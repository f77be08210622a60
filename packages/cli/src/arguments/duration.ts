import { InvalidArgumentError } from 'commander';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(?:\d+(?:ms|[smhd]))+$/;
const PART = /(\d+)(ms|[smhd])/g;

/** Milliseconds of a duration such as "90s", "10m", "1h30m", "24h"; a bare number is refused because its unit would be a guess. */
export function parseDuration(text: string): number {
  if (!DURATION.test(text))
    throw new InvalidArgumentError('write a number with a unit, such as 30s, 10m, 1h30m or 24h.');
  let total = 0;
  for (const [, count, unit] of text.matchAll(PART)) total += Number(count) * (UNITS[unit ?? ''] ?? 0);
  if (total <= 0 || !Number.isSafeInteger(total))
    throw new InvalidArgumentError('it has to be longer than nothing, such as 30s.');
  return total;
}
