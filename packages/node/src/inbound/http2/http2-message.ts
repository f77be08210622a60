import type { IncomingHttpHeaders } from 'node:http';
import type { IncomingHttpHeaders as StreamHeaders } from 'node:http2';

import type { RequestMessage } from '@rampart/mesh';

/** The head of a request over HTTP/2 in the shape that policies read, and back in the one that the application gets. */
export class Http2Message implements RequestMessage {
  readonly method: string | undefined;
  url: string | undefined;
  readonly httpVersion = '2';
  readonly headers: IncomingHttpHeaders = {};
  headersDistinct: NodeJS.Dict<string[]>;
  readonly rawHeaders: string[];
  readonly #received: StreamHeaders;
  readonly #rawReceived: string[];

  constructor(received: StreamHeaders, rawReceived: string[]) {
    this.#received = received;
    this.#rawReceived = rawReceived;
    this.method = received[':method'];
    this.url = received[':path'];
    for (const [name, value] of Object.entries(received)) {
      if (!name.startsWith(':')) this.headers[name] = value;
    }
    this.rawHeaders = rawReceived.filter((_each, index) => !(rawReceived[index - (index % 2)] ?? '').startsWith(':'));
    this.headersDistinct = distinct(this.rawHeaders);
    const authority = received[':authority'];
    if (authority === undefined) return;
    this.headers.host = authority;
    this.headersDistinct['host'] = [authority];
  }

  /** Why it means different things to different readers; undefined when it does not. */
  get ambiguity(): string | undefined {
    const { host, ':authority': authority } = this.#received;
    // RFC 9113 §8.3.1: a Host beside the authority must say the same.
    const isSame = host === undefined || authority === undefined || host === authority;
    return isSame ? undefined : 'Host and :authority are not the same';
  }

  /** Gives the application what has become of the headers. */
  settle(): void {
    const received = this.#received;
    const { host, ...headers } = this.headers;
    const hadHost = received.host !== undefined;
    for (const name of Object.keys(received)) {
      if (!name.startsWith(':') && !(name in headers)) Reflect.deleteProperty(received, name);
    }
    Object.assign(received, headers, hadHost ? { host } : {});
    if (this.url !== undefined) received[':path'] = this.url;
    if (host !== undefined && received[':authority'] !== undefined) received[':authority'] = host;
    const raw = this.#rawReceived;
    const pseudo = raw.flatMap((name, index) =>
      index % 2 === 0 && name.startsWith(':') ? [name, String(received[name] ?? '')] : [],
    );
    const others = this.rawHeaders.map((each, index) => (index % 2 === 0 ? each.toLowerCase() : each));
    raw.splice(0, raw.length, ...pseudo, ...others);
  }
}

function distinct(rawHeaders: readonly string[]): NodeJS.Dict<string[]> {
  const found = Object.create(null) as NodeJS.Dict<string[]>;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    (found[rawHeaders[index] ?? ''] ??= []).push(rawHeaders[index + 1] ?? '');
  }
  return found;
}
