import type { RoutedRequest } from '@rampart/core';

const OK = 200;
const SECOND = 1000;
const NUMBER = /^\d{1,10}$/;

type Directives = ReadonlyMap<string, string>;

/** Say nothing of whom a request is made for. With any other, an API key among them, its answer is for nobody else. */
const IMPERSONAL: ReadonlySet<string> = new Set([
  'accept',
  'accept-charset',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'priority',
  'te',
  'traceparent',
  'tracestate',
  'upgrade-insecure-requests',
  'user-agent',
  'x-request-id',
]);
/** Of browsers: what they fetch for, and never for whom. */
const FETCH_METADATA = 'sec-fetch-';
/** Forbid that an answer is kept, or that it is given once it is stale (RFC 9111 §4.2.4, §5.2.2). */
const FORBIDDING: readonly string[] = [
  'private',
  'no-store',
  'no-cache',
  'must-revalidate',
  'proxy-revalidate',
  's-maxage',
];

/** Whether an earlier answer may be given to a request, and its own be kept: a GET that says nothing of who asks. */
export function isForAnybody({ method, headers }: RoutedRequest): boolean {
  if (method !== 'GET' || !Object.keys(headers).every(isImpersonal)) return false;
  const asked = directives(textOf(headers['cache-control']) ?? '');
  return !asked.has('no-store') && !asked.has('no-cache');
}

function isImpersonal(name: string): boolean {
  // HTTP/2 has fields of its own for what is said elsewhere over HTTP/1.1.
  return IMPERSONAL.has(name) || name.startsWith(FETCH_METADATA) || name.startsWith(':');
}

/** What the head of an answer says of keeping it. */
export interface Storage {
  /** Names of the request's headers that the answer goes by, in lower case. */
  readonly vary: readonly string[];
  /** How old it was when it came. */
  readonly ageMs: number;
  /** How old it may get, as far as it says so itself (RFC 5861 §4); no limit otherwise. */
  readonly mostMs: number;
}

/** Undefined for an answer that may not be kept. `rawHeaders` are names and values in turn. */
export function storageOf(status: number, rawHeaders: readonly string[]): Storage | undefined {
  if (status !== OK) return undefined;
  const control = directives(valuesOf(rawHeaders, 'cache-control').join(','));
  if (FORBIDDING.some((name) => control.has(name)) || valuesOf(rawHeaders, 'set-cookie').length > 0) return undefined;
  const vary = valuesOf(rawHeaders, 'vary').flatMap((value) =>
    value.split(',').map((name) => name.trim().toLowerCase()),
  );
  if (vary.includes('*')) return undefined;
  const stale = control.get('stale-if-error');
  return {
    vary: vary.filter((name) => name !== ''),
    ageMs: seconds(valuesOf(rawHeaders, 'age')[0]),
    mostMs: stale === undefined ? Number.POSITIVE_INFINITY : seconds(control.get('max-age')) + seconds(stale),
  };
}

/** The value of a request's header as one text; undefined where it is not there. */
export function textOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'object' ? value.join(',') : value;
}

function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    if (rawHeaders[index]?.toLowerCase() === name) values.push(rawHeaders[index + 1] ?? '');
  return values;
}

/** Of Cache-Control (RFC 9111 §5.2), by name in lower case. */
function directives(text: string): Directives {
  return new Map(
    text.split(',').map((each) => {
      const [name = '', value = ''] = each.split('=', 2);
      return [name.trim().toLowerCase(), value.trim().replaceAll('"', '')];
    }),
  );
}

function seconds(text: string | undefined): number {
  return text !== undefined && NUMBER.test(text.trim()) ? Number(text) * SECOND : 0;
}
