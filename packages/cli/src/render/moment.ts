const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A span of milliseconds as people say it, two units at most: "42s", "3m20s", "5h", "12d". */
export function renderSpan(milliseconds: number): string {
  const span = Math.max(0, milliseconds);
  if (span < MINUTE) return `${Math.floor(span / SECOND)}s`;
  if (span < 10 * MINUTE) return two(span, [MINUTE, 'm'], [SECOND, 's']);
  if (span < HOUR) return `${Math.floor(span / MINUTE)}m`;
  if (span < 10 * HOUR) return two(span, [HOUR, 'h'], [MINUTE, 'm']);
  if (span < 2 * DAY) return `${Math.floor(span / HOUR)}h`;
  return `${Math.floor(span / DAY)}d`;
}

function two(
  span: number,
  [big, bigName]: readonly [number, string],
  [small, smallName]: readonly [number, string],
): string {
  const rest = Math.floor((span % big) / small);
  return `${Math.floor(span / big)}${bigName}${rest === 0 ? '' : `${rest}${smallName}`}`;
}

/** Unix milliseconds as RFC 3339 in UTC without fractions; "" for 0. */
export function renderTime(milliseconds: number): string {
  return milliseconds === 0 ? '' : `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}
