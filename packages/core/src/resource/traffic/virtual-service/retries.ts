import { parseRegex } from '../../../policy/match/regex.ts';
import type { Cursor } from '../../cursor.ts';
import { readDuration } from '../../duration.ts';
import { need } from '../document-form.ts';
import type { HttpMatch } from './match.ts';
import type { StringMatch } from './string-match.ts';

/** When and how often a request is sent again (istio/api `HTTPRetry`). */
export interface HttpRetry {
  /** Beside the first try; 0 for none at all. */
  readonly attempts: number;
  readonly perTryTimeoutMs?: number;
  /** As Envoy's `x-envoy-retry-on`, and statuses: "connect-failure,refused-stream,503". */
  readonly retryOn?: string;
  readonly retryRemoteLocalities?: boolean;
  readonly retryIgnorePreviousHosts?: boolean;
  /** Shortest wait between tries, from which it grows. */
  readonly backoffMs?: number;
}

/** A reason to send a request again (Envoy `x-envoy-retry-on`, `x-envoy-retry-grpc-on`). */
export type RetryCondition =
  | '5xx'
  | 'gateway-error'
  | 'reset'
  | 'reset-before-request'
  | 'connect-failure'
  | 'retriable-4xx'
  | 'refused-stream'
  | 'retriable-status-codes'
  | 'cancelled'
  | 'deadline-exceeded'
  | 'internal'
  | 'resource-exhausted'
  | 'unavailable';

/** Of each condition, whether the request may have been handled when it holds. */
const MAY_BE_HANDLED: Readonly<Record<RetryCondition, boolean>> = {
  '5xx': true,
  'gateway-error': true,
  reset: true,
  'reset-before-request': false,
  'connect-failure': false,
  'retriable-4xx': true,
  'refused-stream': false,
  'retriable-status-codes': true,
  cancelled: true,
  'deadline-exceeded': true,
  internal: true,
  'resource-exhausted': false,
  unavailable: false,
};
const ABSENT: Readonly<Record<string, string>> = {
  'retriable-headers': 'nothing here can say which headers those are',
  'envoy-ratelimited': 'no rate limit of Envoy is asked here',
  'http3-post-connect-failure': 'HTTP/3 is not spoken here',
};
const MAX_ATTEMPTS = 100;
/** RFC 9110 §9.2.2: methods whose repetition means the same as one request. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** Whether a method may be repeated although the first request may have been handled (RFC 9110 §9.2.2). */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}

/** Whether a request to which this happened may have been handled all the same. */
export function mayBeHandled(condition: RetryCondition): boolean {
  return MAY_BE_HANDLED[condition];
}

interface RetryFields extends Omit<HttpRetry, 'perTryTimeoutMs' | 'backoffMs'> {
  readonly perTryTimeout: number;
  readonly backoff: number;
}

export function readRetries(at: Cursor): HttpRetry | undefined {
  const fields = at.fields<RetryFields>({
    attempts: (attempts) => attempts.integer('a number of retries', { min: 0, max: MAX_ATTEMPTS }),
    perTryTimeout: (timeout) => readDuration(timeout),
    retryOn: readRetryOn,
    retryRemoteLocalities: (flag) => flag.flag(),
    retryIgnorePreviousHosts: (flag) => flag.flag(),
    backoff: (backoff) => readDuration(backoff),
  });
  need(at, 'attempts');
  const { attempts, perTryTimeout, backoff, ...rest } = fields ?? {};
  if (attempts === undefined) return undefined;
  if (attempts === 0 && (at.keys() ?? []).length > 1)
    return at.error('asks for no retries and says how: remove the rest');
  return {
    attempts,
    ...rest,
    ...(perTryTimeout === undefined ? {} : { perTryTimeoutMs: perTryTimeout }),
    ...(backoff === undefined ? {} : { backoffMs: backoff }),
  };
}

function readRetryOn(at: Cursor): string | undefined {
  return at.checked((text) => {
    for (const condition of text.split(',')) {
      const problem = conditionProblem(condition.trim());
      if (problem !== undefined) return problem;
    }
    return undefined;
  }, 'a list of conditions in one string');
}

function conditionProblem(text: string): string | undefined {
  if (isCondition(text) || isStatus(text)) return undefined;
  if (Object.hasOwn(ABSENT, text)) return `cannot hold ${text}: ${ABSENT[text] ?? ''}`;
  return `${JSON.stringify(text)} is no condition; known here: ${Object.keys(MAY_BE_HANDLED).join(', ')}, or a status`;
}

function isCondition(text: string): text is RetryCondition {
  return Object.hasOwn(MAY_BE_HANDLED, text);
}

function isStatus(text: string): boolean {
  return /^[2-5]\d\d$/.test(text);
}

/** What `retryOn` says, in parts. */
export interface RetryConditions {
  readonly conditions: ReadonlySet<RetryCondition>;
  readonly statuses: ReadonlySet<number>;
}

/** Istio's conditions where a rule names none. */
const DEFAULT_RETRY_ON = 'connect-failure,refused-stream,unavailable,cancelled';
/** What Istio takes `retriable-status-codes` for where no status is named. */
const DEFAULT_STATUS = 503;

export function retryConditions(retryOn: string = DEFAULT_RETRY_ON): RetryConditions {
  const words = retryOn.split(',').map((word) => word.trim());
  const conditions = new Set(words.filter(isCondition));
  const statuses = new Set(words.filter(isStatus).map(Number));
  if (conditions.has('retriable-status-codes') && statuses.size === 0) statuses.add(DEFAULT_STATUS);
  return { conditions, statuses };
}

/** Refuses to repeat, for reasons after which a request may have been handled, what only ever is a request that must not be repeated. */
export function checkRetriesAreSafe(at: Cursor, retries: HttpRetry | undefined, match: readonly HttpMatch[]): void {
  if (retries === undefined || retries.attempts === 0 || match.length === 0) return;
  const methods = match.map(({ method }) => unsafeMethods(method));
  if (methods.includes(undefined)) return;
  const { conditions, statuses } = retryConditions(retries.retryOn);
  const unsafe =
    retries.retryOn === undefined ? [] : [...[...conditions].filter(mayBeHandled), ...[...statuses].map(String)];
  if (unsafe.length === 0) return;
  at.child('retryOn').error(
    `must not hold ${unsafe.join(', ')} here: ${[...new Set(methods)].join(' and ')} may have been handled then, and ` +
      'would be done twice; connect-failure, refused-stream and reset-before-request are safe',
  );
}

/** What such a match stands for, where no method that may be repeated meets it; undefined where one does. */
function unsafeMethods(match: StringMatch | undefined): string | undefined {
  if (match === undefined) return undefined;
  const { exact, prefix, regex } = match;
  const pattern = regex === undefined ? undefined : parseRegex(regex);
  // What cannot be read is refused where it stands.
  if (pattern?.ok === false) return undefined;
  const isMet = [...IDEMPOTENT].some(
    (method) =>
      (exact === undefined || method === exact) &&
      (prefix === undefined || method.startsWith(prefix)) &&
      (pattern === undefined || pattern.value.matches(method)),
  );
  return isMet ? undefined : (exact ?? regex ?? `${prefix}*`);
}
