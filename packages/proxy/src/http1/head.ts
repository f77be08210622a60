import type { IncomingHttpHeaders } from 'node:http';

import type { RequestMessage } from '@rampart/mesh';

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

/** The head of one message as llhttp has accepted it. */
export class MessageHead implements RequestMessage {
  /** Names and values in turn; what is changed here is what is sent on. */
  readonly rawHeaders: string[];
  /** "" on a response. */
  readonly method: string;
  url: string;
  /** 0 on a request. */
  readonly status: number;
  /** Of a response; may be "". */
  readonly reasonPhrase: string;
  /** "1.1" */
  readonly httpVersion: string;
  #headers: IncomingHttpHeaders | undefined;
  #distinct: NodeJS.Dict<string[]> | undefined;

  constructor(start: StartLine, rawHeaders: string[]) {
    this.method = start.method;
    this.url = start.url;
    this.status = start.status;
    this.reasonPhrase = start.reasonPhrase;
    this.httpVersion = start.httpVersion;
    this.rawHeaders = rawHeaders;
  }

  get headers(): IncomingHttpHeaders {
    return (this.#headers ??= joined(this.rawHeaders));
  }

  get headersDistinct(): NodeJS.Dict<string[]> {
    return (this.#distinct ??= distinct(this.rawHeaders));
  }

  set headersDistinct(value: NodeJS.Dict<string[]>) {
    this.#distinct = value;
  }
}

export interface StartLine {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly reasonPhrase: string;
  readonly httpVersion: string;
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
