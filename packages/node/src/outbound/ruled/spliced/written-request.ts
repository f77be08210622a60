import { CALL_HEADER, isOfConnection } from '../passed-headers.ts';

/** A request as its client wrote it, with all of its body. */
export interface WrittenRequest {
  readonly method: string;
  /** In origin form. */
  readonly url: string;
  /** Headers that are passed on, names and values in turn, as they were written; further ones are put behind them. */
  readonly list: string[];
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whose it is, as this process noted on it. */
  readonly call: string | undefined;
  /** Where its body begins in what was written. */
  readonly bodyAt: number;
  readonly bodyBytes: number;
}

/** More than this is not held in memory. */
const MOST_BODY_BYTES = 65_536;

const LINE = /([A-Z]{1,20}) (\/[\x21-\x7e]*) HTTP\/1\.1\r\n/y;
const FIELD = /([\w!#$%&'*+.^`|~-]+): ?([\t\x20-\x7e\x80-\xff]*)\r\n/y;
const LENGTH = /^\d{1,9}$/;

/** What changes how a request is read, or what becomes of its connection. */
const UNUSUAL: ReadonlySet<string> = new Set(['transfer-encoding', 'upgrade', 'expect', 'trailer', '__proto__']);

/**
 * Reads the head of a request in HTTP/1.1, each character standing for a byte. It knows what client libraries write, and takes
 * no other: undefined for a request that says anything twice, is of unknown length or too long, or changes its connection.
 */
export function readWritten(text: string): WrittenRequest | undefined {
  LINE.lastIndex = 0;
  const [, method, url] = LINE.exec(text) ?? [];
  if (method === undefined || url === undefined) return undefined;
  const fields = readFields(text, LINE.lastIndex);
  if (fields?.headers['host'] === undefined) return undefined;
  const { headers, list, call, end } = fields;
  const length = headers['content-length'] ?? '0';
  const bodyBytes = LENGTH.test(length) ? Number(length) : Number.POSITIVE_INFINITY;
  return bodyBytes > MOST_BODY_BYTES ? undefined : { method, url, list, headers, call, bodyAt: end, bodyBytes };
}

interface Fields {
  readonly headers: Record<string, string>;
  readonly list: string[];
  readonly call: string | undefined;
  /** Behind the empty line. */
  readonly end: number;
}

function readFields(text: string, from: number): Fields | undefined {
  const headers: Record<string, string> = {};
  const list: string[] = [];
  let call: string | undefined;
  let at = from;
  for (;;) {
    FIELD.lastIndex = at;
    const [, name, raw] = FIELD.exec(text) ?? [];
    if (name === undefined || raw === undefined) break;
    at = FIELD.lastIndex;
    const lower = name.toLowerCase();
    const value = raw.trim();
    if (lower === CALL_HEADER && call === undefined) {
      call = value;
      continue;
    }
    if (headers[lower] !== undefined || lower === CALL_HEADER || UNUSUAL.has(lower)) return undefined;
    if (lower === 'connection' && !isUsual(value)) return undefined;
    headers[lower] = value;
    if (!isOfConnection(lower)) list.push(name, value);
  }
  return text.startsWith('\r\n', at) ? { headers, list, call, end: at + 2 } : undefined;
}

function isUsual(connection: string): boolean {
  const lower = connection.toLowerCase();
  return lower === 'keep-alive' || lower === 'close';
}
