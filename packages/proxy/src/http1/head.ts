import type { IncomingHttpHeaders } from 'node:http';

import type { HeaderAccess, RequestMessage } from '@rampart/mesh';

import { endOfLines, fields, hasHeader } from './head-text.ts';
import type { HeadText } from './head-text.ts';
import { ReceivedFields } from './received-fields.ts';

/** Headers that Node joins to none: the first one counts (node:http, `message.headers`). */
const FIRST_COUNTS = new Set([
  'age',
  'authorization',
  'content-length',
  'content-type',
  'etag',
  'expires',
  'from',
  'host',
  'if-modified-since',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'referer',
  'retry-after',
  'server',
  'user-agent',
]);

const STATUS_LINE = 'HTTP/1.1 200 \r\n'.length;

export interface StartLine {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly reasonPhrase: string;
  readonly httpVersion: string;
}

/**
 * The head of one message as llhttp has accepted it. As long as nobody has asked for `rawHeaders`, its lines are those
 * that were received, and what was added to them; from then on they are what stands there.
 */
export class MessageHead implements RequestMessage, HeaderAccess {
  /** "" on a response. */
  readonly method: string;
  url: string;
  /** 0 on a request. */
  readonly status: number;
  /** Of a response; may be "". */
  readonly reasonPhrase: string;
  /** "1.1" */
  readonly httpVersion: string;
  #received: ReceivedFields | undefined;
  /** Names and values in turn. */
  #added: string[] | undefined;
  /** Of what was received: the name that was given another value. */
  #replaced = '';
  #raw: string[] | undefined;
  #headers: IncomingHttpHeaders | undefined;
  #distinct: NodeJS.Dict<string[]> | undefined;
  /** All of its bytes, where they lie in one piece that stays as it is. */
  readonly #bytes: Buffer | undefined;

  constructor(start: StartLine, fields: ReceivedFields | string[], bytes?: Buffer) {
    this.method = start.method;
    this.url = start.url;
    this.status = start.status;
    this.reasonPhrase = start.reasonPhrase;
    this.httpVersion = start.httpVersion;
    if (fields instanceof ReceivedFields) this.#received = fields;
    else this.#raw = fields;
    this.#bytes = bytes;
  }

  get access(): HeaderAccess {
    return this;
  }

  /** Names and values in turn; what is changed here is what is sent on. */
  get rawHeaders(): string[] {
    this.#raw ??= this.#pairs();
    this.#received = undefined;
    return this.#raw;
  }

  get headers(): IncomingHttpHeaders {
    return (this.#headers ??= joined(this.#raw ?? this.#pairs()));
  }

  get headersDistinct(): NodeJS.Dict<string[]> {
    return (this.#distinct ??= distinct(this.#raw ?? this.#pairs()));
  }

  set headersDistinct(value: NodeJS.Dict<string[]>) {
    this.#distinct = value;
  }

  text(name: string): string | undefined {
    const received = this.#received;
    if (received === undefined || this.#headers !== undefined) return this.#joined(name);
    const added = this.#added;
    if (added !== undefined) {
      for (let index = 0; index < added.length; index += 2) if (added[index] === name) return added[index + 1];
    }
    const at = received.find(name);
    if (at === -1) return undefined;
    return received.findBehind(name, at) === -1 ? received.valueAt(at) : this.#joined(name);
  }

  has(name: string): boolean {
    if (this.#received === undefined) return hasHeader(this.rawHeaders, name);
    return this.#received.find(name) !== -1 || (this.#added !== undefined && hasHeader(this.#added, name));
  }

  hasSpelling(name: string): boolean {
    if (this.#received !== undefined) return this.#received.hasSpelling(name);
    return this.rawHeaders.some((each, index) => index % 2 === 0 && each.toLowerCase().replaceAll('_', '-') === name);
  }

  hasSeveral(name: string): boolean {
    const received = this.#received;
    if (received === undefined) return (distinct(this.rawHeaders)[name]?.length ?? 0) > 1;
    const at = received.find(name);
    return at !== -1 && received.findBehind(name, at) !== -1;
  }

  add(name: string, value: string): void {
    if (this.#received === undefined) this.rawHeaders.push(name, value);
    else (this.#added ??= []).push(name, value);
    if (this.#headers !== undefined) this.#headers[name] = value;
    if (this.#distinct !== undefined) this.#distinct[name] = [value];
  }

  /** Gives a header one value, whatever was received. `name` is in lower case. */
  replace(name: string, value: string): void {
    const isFirst = this.#replaced === '' && (this.#added === undefined || !hasHeader(this.#added, name));
    if (this.#received === undefined || !isFirst) drop(this.rawHeaders, name);
    else this.#replaced = name;
    this.add(name, value);
  }

  /** `name` is in lower case. */
  remove(name: string): void {
    if (!this.has(name)) return;
    drop(this.rawHeaders, name);
    if (this.#headers !== undefined) Reflect.deleteProperty(this.#headers, name);
    if (this.#distinct !== undefined) Reflect.deleteProperty(this.#distinct, name);
  }

  /** The header lines as they are sent on. */
  lines(how: HeadText): string {
    const kept = this.#received?.forwarded(how, this.#replaced);
    if (kept === undefined) return fields(this.rawHeaders, how);
    const added = this.#added;
    let lines = kept;
    if (added !== undefined)
      for (let index = 0; index < added.length; index += 2)
        lines += `${added[index] ?? ''}: ${added[index + 1] ?? ''}\r\n`;
    return lines + endOfLines(how);
  }

  /** The bytes of an answer's head, where just these are sent on. */
  unchanged(how: HeadText): Buffer | undefined {
    const received = this.#received;
    if (this.#bytes === undefined || received === undefined || this.#added !== undefined) return undefined;
    // Of this length, a line that llhttp has accepted is written in no other way than this proxy writes it.
    const isUsual = this.httpVersion === '1.1' && received.start === STATUS_LINE + this.reasonPhrase.length;
    return isUsual && endOfLines(how) === '' && received.goesOnWhole(how) ? this.#bytes : undefined;
  }

  #joined(name: string): string | undefined {
    const value = this.headers[name];
    return typeof value === 'string' ? value : value?.join(', ');
  }

  #pairs(): string[] {
    const pairs = this.#received?.pairs() ?? [];
    if (this.#replaced !== '') drop(pairs, this.#replaced);
    if (this.#added !== undefined) pairs.push(...this.#added);
    return pairs;
  }
}

function drop(rawHeaders: string[], name: string): void {
  for (let index = rawHeaders.length - 2; index >= 0; index -= 2)
    if (rawHeaders[index]?.toLowerCase() === name) rawHeaders.splice(index, 2);
}

/** One text for each name, in lower case, joined as Node joins them. */
function joined(rawHeaders: readonly string[]): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = Object.create(null) as IncomingHttpHeaders;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    const value = rawHeaders[index + 1] ?? '';
    if (name === 'set-cookie') {
      (headers['set-cookie'] ??= []).push(value);
      continue;
    }
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else if (!FIRST_COUNTS.has(name)) headers[name] = `${String(before)}${name === 'cookie' ? '; ' : ', '}${value}`;
  }
  return headers;
}

function distinct(rawHeaders: readonly string[]): NodeJS.Dict<string[]> {
  const headers = Object.create(null) as NodeJS.Dict<string[]>;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    (headers[name] ??= []).push(rawHeaders[index + 1] ?? '');
  }
  return headers;
}
