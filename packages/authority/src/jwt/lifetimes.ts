import { RampartError } from '@rampart/core';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long JWT-SVIDs and their keys live, in milliseconds. */
export interface JwtLifetimes {
  /** Of a signing key, from its first to its last moment in the trust bundle. */
  readonly keyMs: number;
  /** Of a token that nobody asked anything else for. */
  readonly svidMs: number;
  /** Of a token at most. */
  readonly maxSvidMs: number;
  /** A new key is in the bundle for this long at least before it signs: three to five refresh hints (SPIFFE_Federation.md). */
  readonly publishedMs: number;
}

/** A token lives 5 minutes by default, as SPIRE's. */
const DEFAULTS: JwtLifetimes = {
  keyMs: 7 * DAY,
  svidMs: 5 * MINUTE,
  maxSvidMs: HOUR,
  publishedMs: 25 * MINUTE,
};

/** The defaults with what is given in their place. Throws `RampartError` INVALID_ARGUMENT for lives that cannot be. */
export function checkJwtLifetimes(given: Partial<JwtLifetimes> = {}): JwtLifetimes {
  const lifetimes = { ...DEFAULTS, ...given };
  for (const [name, milliseconds] of Object.entries(lifetimes)) {
    demand(Number.isFinite(milliseconds) && milliseconds >= SECOND, `${name} must be at least a second`);
  }
  demand(lifetimes.svidMs <= lifetimes.maxSvidMs, 'svidMs must be at most maxSvidMs');
  demand(lifetimes.keyMs >= 6 * lifetimes.maxSvidMs, 'keyMs must be at least six times maxSvidMs');
  demand(lifetimes.keyMs >= 6 * lifetimes.publishedMs, 'keyMs must be at least six times publishedMs');
  return lifetimes;
}

function demand(condition: boolean, what: string): void {
  if (!condition) throw new RampartError('INVALID_ARGUMENT', `lifetimes of JWT-SVIDs: ${what}`);
}
