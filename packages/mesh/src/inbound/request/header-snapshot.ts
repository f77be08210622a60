import { distinctHeaders } from './headers.ts';
import type { RequestMessage } from './message.ts';

/** The headers of a message as they were at one time, in all three views that Node gives of them. */
export class HeaderSnapshot {
  readonly #request: RequestMessage;
  readonly #url: string | undefined;
  readonly #raw: readonly string[];
  readonly #headers: RequestMessage['headers'];
  readonly #distinct: RequestMessage['headersDistinct'];

  constructor(request: RequestMessage) {
    this.#request = request;
    this.#url = request.url;
    this.#raw = [...request.rawHeaders];
    this.#headers = { ...request.headers };
    this.#distinct = { ...distinctHeaders(request) };
  }

  restore(): void {
    const { rawHeaders, headers, headersDistinct } = this.#request;
    if (this.#url !== undefined) this.#request.url = this.#url;
    rawHeaders.splice(0, rawHeaders.length, ...this.#raw);
    replace(headers, this.#headers);
    replace(headersDistinct, this.#distinct);
  }
}

function replace(target: object, source: object): void {
  for (const name of Object.keys(target)) Reflect.deleteProperty(target, name);
  Object.assign(target, source);
}
