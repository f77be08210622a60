import { isFraming } from '../../../fixed-headers.ts';
import type { Cursor } from '../../cursor.ts';
import { readDuration } from '../../duration.ts';
import { mapOf, need } from '../document-form.ts';
import { readExportTo } from '../export-to.ts';
import { readDestinationHost } from '../host.ts';

/** What callers of a service are given while none of its instances can answer. */
export interface FallbackSpec {
  /** In lower case; a short name is a service of the rule's own namespace. */
  readonly host: string;
  /** After `stale`, where both are there; one of them is. */
  readonly response?: FallbackResponse;
  /** An earlier answer of an instance to the same GET. */
  readonly stale?: FallbackStale;
  /** Namespaces whose callers it is for; "." is its own; absent: all that its place lets it be for. */
  readonly exportTo?: readonly string[];
}

/** The last good answers of a service, kept in the data plane of their caller. */
export interface FallbackStale {
  /** How old an answer may be that is given; a day at most. */
  readonly maxAgeMs: number;
}

/** An answer that is always the same. */
export interface FallbackResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const STATUSES = { min: 200, max: 599 };
const MAX_BODY = 65_536;
/** RFC 9110 §5.6.2 token. */
const NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
const VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;

export function readFallbackSpec(at: Cursor): FallbackSpec | undefined {
  const fields = at.fields<FallbackSpec>({
    host: readDestinationHost,
    response: readResponse,
    stale: readStale,
    exportTo: readExportTo,
  });
  need(at, 'host');
  if (typeof at.value === 'object' && ['response', 'stale'].every((name) => at.child(name).value === undefined))
    at.error('needs response or stale');
  const { host, ...rest } = fields ?? {};
  return host === undefined || (rest.response ?? rest.stale) === undefined ? undefined : { ...rest, host };
}

function readStale(at: Cursor): FallbackStale | undefined {
  const fields = at.fields<{ readonly maxAge: number }>({ maxAge: (age) => readDuration(age) });
  need(at, 'maxAge');
  return fields?.maxAge === undefined ? undefined : { maxAgeMs: fields.maxAge };
}

function readResponse(at: Cursor): FallbackResponse | undefined {
  const fields = at.fields<FallbackResponse>({
    status: (status) => status.integer('an HTTP status', STATUSES),
    headers: mapOf(readValue, nameProblem),
    body: readBody,
  });
  need(at, 'status');
  const { status, ...rest } = fields ?? {};
  return status === undefined ? undefined : { ...rest, status };
}

function readBody(at: Cursor): string | undefined {
  const body = at.value === '' ? '' : at.lines();
  return body !== undefined && body.length > MAX_BODY ? at.error('must be at most 64 KiB') : body;
}

function readValue(at: Cursor): string | undefined {
  const value = at.textOrEmpty();
  return value === undefined || VALUE.test(value)
    ? value
    : at.error('must not hold control characters, nor others than those of Latin-1');
}

function nameProblem(name: string): string | undefined {
  if (!NAME.test(name)) return 'must be the name of a header';
  return isFraming(name.toLowerCase()) ? 'says how a message is sent, which no rule changes' : undefined;
}
