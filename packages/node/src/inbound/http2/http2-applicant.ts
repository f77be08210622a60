import http2 from 'node:http2';
import type { OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';

import { peekBody } from '@rampart/mesh';
import type { Applicant, BodyStream, HeaderChange, InboundExchange, RequestFacts } from '@rampart/mesh';

import type { StreamBytes } from '../../http2/stream-bytes.ts';

const CONTINUE = http2.constants.HTTP_STATUS_CONTINUE;

interface Http2Request {
  readonly exchange: InboundExchange;
  readonly facts: RequestFacts;
  readonly stream: ServerHttp2Stream;
  readonly bytes: StreamBytes;
}

/** A request over HTTP/2 that waits to be judged. */
export class Http2Applicant implements Applicant {
  readonly exchange: InboundExchange;
  readonly facts: RequestFacts;
  readonly isUpgrade = false;
  readonly #stream: ServerHttp2Stream;
  readonly #bytes: StreamBytes;

  constructor({ exchange, facts, stream, bytes }: Http2Request) {
    this.exchange = exchange;
    this.facts = facts;
    this.#stream = stream;
    this.#bytes = bytes;
  }

  get hasBody(): boolean {
    return !this.#stream.endAfterHeaders;
  }

  onGone(callback: () => void): () => void {
    this.#stream.once('close', callback);
    return () => this.#stream.off('close', callback);
  }

  peekBody(limit: number, signal: AbortSignal): ReturnType<Applicant['peekBody']> {
    const bytes = this.#bytes;
    if (this.facts.header('expect') !== undefined && !this.#stream.destroyed) this.#invite();
    Object.defineProperty(this.#stream, 'complete', { configurable: true, get: () => bytes.complete });
    return peekBody(this.#stream as ServerHttp2Stream & Pick<BodyStream, 'complete'>, limit, signal);
  }

  /** Tells a caller that asks first to send its body. The application will do so as well, and is to be heard once. */
  #invite(): void {
    const stream = this.#stream;
    const inform = stream.additionalHeaders.bind(stream);
    inform({ ':status': CONTINUE });
    const informing = (headers: OutgoingHttpHeaders): void => {
      if (Number(headers[':status']) !== CONTINUE) inform(headers);
    };
    Object.assign(stream, { additionalHeaders: informing });
  }

  changeResponse(changes: readonly HeaderChange[]): void {
    if (changes.length === 0) return;
    const stream = this.#stream;
    for (const method of ['respond', 'respondWithFile', 'respondWithFD'] as const) {
      const original = stream[method].bind(stream) as (...args: unknown[]) => void;
      const at = method === 'respond' ? 0 : 1;
      const changing = (...args: unknown[]): void => {
        const headers = { ...(args[at] as OutgoingHttpHeaders | undefined) };
        for (const change of changes) apply(headers, change);
        args[at] = headers;
        original(...args);
      };
      Object.assign(stream, { [method]: changing });
    }
  }
}

function apply(headers: OutgoingHttpHeaders, { action, name, value }: HeaderChange): void {
  const before = headers[name];
  const list = before === undefined ? [] : [before].flat().map(String);
  if (action === 'remove') Reflect.deleteProperty(headers, name);
  else if (action === 'add') headers[name] = list.length === 0 ? value : [...list, value];
  else if (action === 'append') {
    if (list.length > 0) headers[name] = `${list.join(',')},${value}`;
  } else if (action === 'set' || (action === 'add-if-absent') === (before === undefined)) {
    headers[name] = value;
  }
}
