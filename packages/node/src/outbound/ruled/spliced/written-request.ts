import { CALL_HEADER } from '../passed-headers.ts';
import { editedLines } from './header-edit.ts';
import type { HeaderEdit } from './header-edit.ts';

/** A request as its client wrote it, with all of its body. */
export interface WrittenRequest {
  readonly method: string;
  /** In origin form. */
  readonly url: string;
  readonly fields: WrittenFields;
  /** Whose it is, as this process noted on it. */
  readonly call: string | undefined;
  /** Where its body begins in what was written. */
  readonly bodyAt: number;
}

/** What requests say of themselves, and what was made of that lately. */
export class WrittenFields {
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyBytes: number;
  /** With the empty line behind them. */
  readonly #lines: string;
  #edit: HeaderEdit | undefined;
  #edited = '';

  constructor(lines: string, headers: Readonly<Record<string, string>>, bodyBytes: number) {
    this.#lines = lines;
    this.headers = headers;
    this.bodyBytes = bodyBytes;
  }

  /** The lines as they are passed on. */
  edited(edit: HeaderEdit): string {
    if (edit === this.#edit) return this.#edited;
    this.#edited = editedLines(this.#lines, 0, edit);
    this.#edit = edit;
    return this.#edited;
  }
}

/** More than this is not held in memory. */
const MOST_BODY_BYTES = 65_536;
/** Requests up to here are compared with the one before. */
const MOST_KNOWN = 4096;

const LINE = /([A-Z]{1,20}) (\/[\x21-\x7e]*) HTTP\/1\.1\r\n/y;
const FIELD = /([\w!#$%&'*+.^`|~-]+): ?([\t\x20-\x7e\x80-\xff]*)\r\n/y;
const LENGTH = /^\d{1,9}$/;

/** What changes how a request is read, or what becomes of its connection. */
const UNUSUAL: ReadonlySet<string> = new Set(['transfer-encoding', 'upgrade', 'expect', 'trailer', '__proto__']);

/** Fields in the form that they were read in, for requests that say the same but for whose they are. */
interface KnownFields {
  readonly fields: WrittenFields;
  readonly before: string;
  /** Characters of what stands between the two; none where nothing was noted. */
  readonly callLength: number;
  readonly after: string;
}

/**
 * Reads the heads of a client's requests in HTTP/1.1, each character standing for a byte. It knows what client libraries write,
 * and takes no other: undefined for a request that says anything twice, is of unknown length or too long, or changes its connection.
 */
export class RequestReader {
  #known: KnownFields | undefined;

  read(text: string): WrittenRequest | undefined {
    LINE.lastIndex = 0;
    const [, method, url] = LINE.exec(text) ?? [];
    if (method === undefined || url === undefined) return undefined;
    const from = LINE.lastIndex;
    const known = this.#known;
    if (known !== undefined && isAgain(text, from, known)) {
      const { fields, before, callLength, after } = known;
      const callAt = from + before.length;
      const afterAt = callAt + callLength;
      const call = callLength === 0 ? undefined : text.slice(callAt, afterAt);
      return { method, url, fields, call, bodyAt: afterAt + after.length };
    }
    const read = readFields(text, from);
    if (read === undefined) return undefined;
    const { callAt, call, end } = read;
    const fields = fieldsOf(text.slice(from, end), read.headers);
    if (fields === undefined) return undefined;
    const callLength = call?.length ?? 0;
    const before = text.slice(from, callAt);
    if (text.length <= MOST_KNOWN)
      this.#known = { fields, before, callLength, after: text.slice(callAt + callLength, end) };
    return { method, url, fields, call, bodyAt: end };
  }
}

/** A line more in the place of what was noted is no part of that. */
function isAgain(text: string, from: number, { before, callLength, after }: KnownFields): boolean {
  const callAt = from + before.length;
  if (!text.startsWith(before, from) || !text.startsWith(after, callAt + callLength)) return false;
  const lineEnd = text.indexOf('\r', callAt);
  return callLength === 0 || lineEnd === -1 || lineEnd >= callAt + callLength;
}

function fieldsOf(lines: string, headers: Readonly<Record<string, string>>): WrittenFields | undefined {
  const length = headers['content-length'] ?? '0';
  const bodyBytes = LENGTH.test(length) ? Number(length) : Number.POSITIVE_INFINITY;
  return headers['host'] === undefined || bodyBytes > MOST_BODY_BYTES
    ? undefined
    : new WrittenFields(lines, headers, bodyBytes);
}

interface ReadFields {
  readonly headers: Record<string, string>;
  readonly call: string | undefined;
  /** Where that stands; the end without one. */
  readonly callAt: number;
  /** Behind the empty line. */
  readonly end: number;
}

function readFields(text: string, from: number): ReadFields | undefined {
  const headers: Record<string, string> = {};
  let call: string | undefined;
  let callAt: number | undefined;
  let at = from;
  for (;;) {
    FIELD.lastIndex = at;
    const [, name, raw] = FIELD.exec(text) ?? [];
    if (name === undefined || raw === undefined) break;
    at = FIELD.lastIndex;
    const lower = name.toLowerCase();
    const value = raw.trim();
    if (lower === CALL_HEADER && callAt === undefined) {
      if (value !== '') call = value;
      callAt = at - 2 - raw.trimStart().length;
      continue;
    }
    if (headers[lower] !== undefined || lower === CALL_HEADER || UNUSUAL.has(lower)) return undefined;
    if (lower === 'connection' && !isUsual(value)) return undefined;
    headers[lower] = value;
  }
  const end = at + 2;
  return text.startsWith('\r\n', at) ? { headers, call, callAt: callAt ?? end, end } : undefined;
}

function isUsual(connection: string): boolean {
  const lower = connection.toLowerCase();
  return lower === 'keep-alive' || lower === 'close';
}
