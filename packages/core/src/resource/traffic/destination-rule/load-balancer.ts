import type { Cursor, Reader } from '../../cursor.ts';
import { readDuration } from '../../duration.ts';
import { absent, need, numberOf, oneOf } from '../document-form.ts';
import { readLocality, type LocalitySettings } from './locality.ts';

/** How one of several instances is drawn (istio/api `LoadBalancerSettings`); at most one of `simple` and `consistentHash`. */
export interface LoadBalancer {
  readonly simple?: SimpleBalancer;
  readonly consistentHash?: ConsistentHash;
  readonly localityLbSetting?: LocalitySettings;
  /** For ROUND_ROBIN and LEAST_REQUEST. */
  readonly warmup?: Warmup;
}

export type SimpleBalancer = 'ROUND_ROBIN' | 'LEAST_REQUEST' | 'RANDOM';

/** The same instance for the same key, as long as it is there; exactly one of the keys is said. */
export interface ConsistentHash {
  /** In lower case. */
  readonly httpHeaderName?: string;
  readonly httpCookie?: HashCookie;
  readonly httpQueryParameterName?: string;
  readonly useSourceIp?: boolean;
  /** At most one of the two; absent: a ring of at least 1024 points. */
  readonly ringHash?: { readonly minimumRingSize: number };
  readonly maglev?: { readonly tableSize: number };
}

export interface HashCookie {
  readonly name: string;
  readonly path?: string;
  /** Set for callers without the cookie; 0: until their session ends; absent: never set. */
  readonly ttlMs?: number;
}

/** How slowly a new instance gets its full share (Envoy slow start). */
export interface Warmup {
  readonly durationMs: number;
  /** Of its share, at the beginning; 10 where absent. */
  readonly minimumPercent?: number;
  /** From 1, which is linear: the greater, the quicker at first (Envoy `aggression`). */
  readonly aggression?: number;
}

const RING_SIZE = 1024;
const MAX_RING_SIZE = 8_388_608;
/** Envoy's default, and its bound. */
const MAGLEV_SIZE = 65_537;
const MAX_MAGLEV_SIZE = 5_000_011;
const MAX_AGGRESSION = 100;
const PERCENT = { min: 0, max: 100 };
const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
const KEYS = ['httpHeaderName', 'httpCookie', 'httpQueryParameterName', 'useSourceIp'];

interface LoadBalancerFields extends Omit<LoadBalancer, 'simple'> {
  readonly simple: SimpleBalancer | 'UNSPECIFIED';
  readonly warmupDurationSecs: number;
}

export function readLoadBalancer(at: Cursor): LoadBalancer | undefined {
  const fields = at.fields<LoadBalancerFields>({
    simple: readSimple,
    consistentHash: readConsistentHash,
    localityLbSetting: readLocality,
    warmup: readWarmup,
    warmupDurationSecs: (duration) => readDuration(duration),
  });
  if (fields === undefined) return undefined;
  oneOf(at, ['simple', 'consistentHash']);
  const form = oneOf(at, ['warmup', 'warmupDurationSecs']);
  if (form !== undefined && (at.child('consistentHash').value !== undefined || fields.simple === 'RANDOM')) {
    at.child(form).misplaced('has an effect with ROUND_ROBIN and LEAST_REQUEST only: remove it');
  }
  const { simple, warmupDurationSecs, warmup, ...rest } = fields;
  const slow = warmup ?? (warmupDurationSecs === undefined ? undefined : { durationMs: warmupDurationSecs });
  return {
    ...rest,
    ...(simple === undefined || simple === 'UNSPECIFIED' ? {} : { simple }),
    ...(slow === undefined ? {} : { warmup: slow }),
  };
}

function readSimple(at: Cursor): SimpleBalancer | 'UNSPECIFIED' | undefined {
  if (at.value === 'PASSTHROUGH') {
    return at.error('PASSTHROUGH is not known here: a call goes to an instance of its service', 'UNSUPPORTED_FEATURE');
  }
  const word = at.word(['ROUND_ROBIN', 'LEAST_REQUEST', 'RANDOM', 'LEAST_CONN', 'UNSPECIFIED']);
  return word === 'LEAST_CONN' ? 'LEAST_REQUEST' : word;
}

interface HashFields extends ConsistentHash {
  readonly minimumRingSize: number;
}

const readRingSize: Reader<number> = (at) => at.integer('a number of points', { min: 1, max: MAX_RING_SIZE });

function readConsistentHash(at: Cursor): ConsistentHash | undefined {
  const fields = at.fields<HashFields>({
    httpHeaderName: readToken('the name of a header'),
    httpCookie: readCookie,
    httpQueryParameterName: (name) => name.text(),
    useSourceIp: readTrue,
    ringHash: (ring) => {
      const { minimumRingSize = RING_SIZE } =
        ring.fields<{ minimumRingSize: number }>({ minimumRingSize: readRingSize }) ?? {};
      return { minimumRingSize };
    },
    maglev: (maglev) => {
      const { tableSize = MAGLEV_SIZE } = maglev.fields<{ tableSize: number }>({ tableSize: readTableSize }) ?? {};
      return { tableSize };
    },
    minimumRingSize: readRingSize,
  });
  if (fields === undefined) return undefined;
  if (oneOf(at, KEYS) === undefined) return at.error(`needs one of ${KEYS.join(', ')}: what to tell callers apart by`);
  oneOf(at, ['ringHash', 'maglev', 'minimumRingSize']);
  const { minimumRingSize, httpHeaderName, ...rest } = fields;
  return {
    ...rest,
    ...(httpHeaderName === undefined ? {} : { httpHeaderName: httpHeaderName.toLowerCase() }),
    ...(minimumRingSize === undefined ? {} : { ringHash: { minimumRingSize } }),
  };
}

/** Envoy asks for a prime; the tables here do, too. */
const readTableSize: Reader<number> = (at) => {
  const size = at.integer('a prime', { min: 2, max: MAX_MAGLEV_SIZE });
  return size === undefined || isPrime(size) ? size : at.error('must be a prime, such as 65537');
};

function isPrime(number: number): boolean {
  for (let divisor = 2; divisor * divisor <= number; divisor += 1) if (number % divisor === 0) return false;
  return true;
}

const readTrue: Reader<boolean> = (at) => {
  const flag = at.flag();
  return flag === false ? at.error('must be true, or left out for another key') : flag;
};

function readToken(what: string): Reader<string> {
  return (at) => at.checked((text) => (TOKEN.test(text) ? undefined : `must be ${what}`));
}

interface CookieFields extends Omit<HashCookie, 'ttlMs'> {
  readonly ttl: number;
  readonly attributes: never;
}

function readCookie(at: Cursor): HashCookie | undefined {
  const fields = at.fields<CookieFields>({
    name: readToken('the name of a cookie'),
    path: (path) =>
      path.checked((text) => (/^\/[!-:<-~]*$/.test(text) ? undefined : 'must be a path, and hold no ";"')),
    ttl: (ttl) => (ttl.value === '0s' ? 0 : readDuration(ttl, MAX_TTL_MS)),
    attributes: absent('no attributes of cookies but path and ttl are known here'),
  });
  need(at, 'name');
  const { name, ttl, ...rest } = fields ?? {};
  return name === undefined ? undefined : { ...rest, name, ...(ttl === undefined ? {} : { ttlMs: ttl }) };
}

const MAX_TTL_MS = 31_536_000_000;

interface WarmupFields extends Omit<Warmup, 'durationMs'> {
  readonly duration: number;
}

function readWarmup(at: Cursor): Warmup | undefined {
  const fields = at.fields<WarmupFields>({
    duration: (duration) => readDuration(duration),
    minimumPercent: numberOf('a percentage', PERCENT),
    aggression: numberOf('a number', { min: 1, max: MAX_AGGRESSION }),
  });
  need(at, 'duration');
  const { duration, ...rest } = fields ?? {};
  return duration === undefined ? undefined : { ...rest, durationMs: duration };
}
