/** Milliseconds of each unit of Go's durations. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const DURATION = /^(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+$/;
const PART = /(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/g;
/** What almost every duration is. */
const SINGLE = /^(\d{1,9})(ms|s|m|h)$/;
const NANOSECONDS_OF_MS = 1e6;

/** Whole milliseconds of a duration as Go writes it ("1m30s"), or of a number of nanoseconds; undefined for anything else. */
export function parseGoDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return value >= 0 ? Math.round(value / NANOSECONDS_OF_MS) : undefined;
  if (value === '0') return 0;
  if (typeof value !== 'string' || value.length > 40) return undefined;
  const [, whole, single = ''] = SINGLE.exec(value) ?? [];
  if (whole !== undefined) return Number(whole) * (UNITS[single] ?? 0);
  if (!DURATION.test(value)) return undefined;
  let total = 0;
  for (const [, count, unit] of value.matchAll(PART)) total += Number(count) * (UNITS[unit ?? ''] ?? 0);
  return Math.round(total);
}

/** As Go prints it, from whole milliseconds: "1m30s", "500ms". */
export function goDuration(milliseconds: number): string {
  if (milliseconds < 1000) return milliseconds === 0 ? '0s' : `${milliseconds}ms`;
  const hours = Math.floor(milliseconds / 3_600_000);
  const minutes = Math.floor((milliseconds % 3_600_000) / 60_000);
  const seconds = (milliseconds % 60_000) / 1000;
  const head = hours > 0 ? `${hours}h${minutes}m` : minutes > 0 ? `${minutes}m` : '';
  return `${head}${seconds}s`;
}
