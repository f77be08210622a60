import type { JwtLifetimes } from './lifetimes.ts';
import type { JwtKeyRecord } from './store.ts';

/** What is to be done about the keys of JWT-SVIDs at a moment. */
export interface JwtKeyDuties {
  /** Keys that have ended and leave the bundle. */
  readonly retire: readonly JwtKeyRecord[];
  /** When the key that has to be made begins to sign; undefined when none has to be made. */
  readonly prepareFrom: number | undefined;
}

/** SPIRE's rules (pkg/server/ca/manager): a successor is prepared at half of a key's life and signs in its last sixth. */
const PREPARED_AT = 2;
const ACTIVE_AT = 6;

/** The key that signs at `now`: of those that may, the newest; when none may yet, the one that has been published longest. */
export function signingKey(keys: readonly JwtKeyRecord[], now: number): JwtKeyRecord | undefined {
  const usable = keys.filter((key) => isUsable(key, now));
  return (
    usable
      .filter(({ activeFrom }) => activeFrom <= now)
      .toSorted(byActivation)
      .at(-1) ?? usable[0]
  );
}

/** Of the keys that may sign now or later, the one that will sign last. */
export function newestKey(keys: readonly JwtKeyRecord[], now: number): JwtKeyRecord | undefined {
  return keys
    .filter((key) => isUsable(key, now))
    .toSorted(byActivation)
    .at(-1);
}

/** The keys in the trust bundle: all but the retired. */
export function publishedKeys(keys: readonly JwtKeyRecord[]): readonly JwtKeyRecord[] {
  return keys.filter(({ retiredAt }) => retiredAt === undefined);
}

/** Grows with each key that is made or retired, over restarts too. */
export function sequenceOf(keys: readonly JwtKeyRecord[]): number {
  return keys.length + keys.filter(({ retiredAt }) => retiredAt !== undefined).length;
}

export function dutiesAt(keys: readonly JwtKeyRecord[], now: number, lifetimes: JwtLifetimes): JwtKeyDuties {
  const retire = publishedKeys(keys).filter((key) => endOf(key, keys, lifetimes) <= now);
  return { retire, prepareFrom: prepareFrom(keys, now, lifetimes) };
}

/** When the duties change next, at the latest: for whoever keeps the time. */
export function nextDutyAt(keys: readonly JwtKeyRecord[], now: number, lifetimes: JwtLifetimes): number {
  const published = publishedKeys(keys);
  const newest = published.toSorted(byActivation).at(-1);
  const preparation = newest === undefined ? now : newest.notAfter - lifetimes.keyMs / PREPARED_AT;
  return Math.max(now, Math.min(preparation, ...published.map((key) => endOf(key, published, lifetimes))));
}

/** When the last token that a key could have signed has ended: whoever has stolen it is to have no use of it any longer. */
function endOf(
  { activeFrom, notAfter }: JwtKeyRecord,
  keys: readonly JwtKeyRecord[],
  { maxSvidMs }: JwtLifetimes,
): number {
  const successors = publishedKeys(keys).filter((other) => other.activeFrom > activeFrom);
  return Math.min(notAfter, ...successors.map((other) => other.activeFrom + maxSvidMs));
}

function prepareFrom(keys: readonly JwtKeyRecord[], now: number, lifetimes: JwtLifetimes): number | undefined {
  const newest = newestKey(keys, now);
  // With no key there is nobody who could still hold an older bundle to any use.
  if (newest === undefined) return now;
  if (newest.notAfter - now > lifetimes.keyMs / PREPARED_AT) return undefined;
  return Math.max(newest.notAfter - lifetimes.keyMs / ACTIVE_AT, now + lifetimes.publishedMs);
}

function isUsable({ retiredAt, notAfter }: JwtKeyRecord, now: number): boolean {
  return retiredAt === undefined && notAfter > now;
}

function byActivation(a: JwtKeyRecord, b: JwtKeyRecord): number {
  return a.activeFrom - b.activeFrom;
}
