import http from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';

import type { ExtAuthzProvider } from '@rampart/core';

import { unaskable } from '../answer.ts';
import type { HeaderChange, Reply, UnaskableReply } from '../answer.ts';
import type { AuthorizerCall } from '../call.ts';
import { HeaderNames } from '../header-names.ts';
import { hostOf } from '../provider.ts';
import { MAX_ANSWER_BYTES, MAX_HEADER_BYTES } from '../transport.ts';
import type { Check, CheckTransport, ConnectToAuthorizer } from '../transport.ts';
import { AuthorizerAgent } from './authorizer-agent.ts';
import { checkMessage, shownHeaders, unvouched } from './http-request.ts';
import type { CheckMessage } from './http-request.ts';
import { HttpAnswerReader } from './http-response.ts';
import type { HttpAnswer } from './http-response.ts';

const MAX_ATTEMPTS = 3;

/** Asks over HTTP/1.1 (Istio `envoyExtAuthzHttp`). */
export class HttpCheckTransport implements CheckTransport {
  readonly #agent: AuthorizerAgent;
  readonly #shown: HeaderNames;
  readonly #spokenFor: HeaderNames;
  readonly #reader: HttpAnswerReader;

  constructor(provider: ExtAuthzProvider, connect: ConnectToAuthorizer) {
    this.#agent = new AuthorizerAgent(() => connect(hostOf(provider.service), provider.port));
    this.#shown = shownHeaders(provider.includeRequestHeadersInCheck);
    this.#spokenFor = new HeaderNames(provider.headersToUpstreamOnAllow);
    this.#reader = new HttpAnswerReader(provider);
  }

  async check(check: Check): Promise<Reply | UnaskableReply> {
    const { http: call } = check.call;
    if (call === undefined) return unaskable('it is asked over HTTP, and this is not HTTP');
    if (call.method === 'CONNECT') return unaskable('CONNECT cannot be put to it over HTTP');
    const answer = await this.#ask(checkMessage(check, call, this.#shown), check.signal);
    if ('kind' in answer) return answer;
    const reply = this.#reader.read(answer);
    return reply.kind === 'allowed' ? { ...reply, request: [...this.distrust(check.call), ...reply.request] } : reply;
  }

  /**
   * A header that the authorizer speaks for, sent by a caller and never shown to it, is nobody's word: it goes, and what
   * the authorizer sets comes after.
   */
  distrust(call: AuthorizerCall): HeaderChange[] {
    return [...unvouched(call, this.#spokenFor, this.#shown)].map((name) => ({ action: 'remove', name, value: '' }));
  }

  close(): void {
    this.#agent.retire();
  }

  async #ask(message: CheckMessage, signal: AbortSignal): Promise<HttpAnswer | UnaskableReply> {
    // A server may let an idle connection go just when it is used. A check changes nothing, so it is asked again.
    for (let attempt = 1; ; attempt += 1) {
      const sent = await send(message, this.#agent, signal);
      if (sent.kind === 'answer') return sent.answer;
      if (sent.kind === 'unaskable') return sent;
      if (attempt === MAX_ATTEMPTS) throw sent.error;
      this.#agent.dropIdle();
    }
  }
}

type Sent =
  | { readonly kind: 'answer'; readonly answer: HttpAnswer }
  | { readonly kind: 'stale'; readonly error: Error }
  | UnaskableReply;

function send(message: CheckMessage, agent: AuthorizerAgent, signal: AbortSignal): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const { method, path, headers, body } = message;
    let request: ClientRequest;
    try {
      request = http.request({ agent, method, path, headers, signal, maxHeaderSize: MAX_HEADER_BYTES });
    } catch (error) {
      // Thrown for what cannot be written as a request, before anybody is connected to.
      resolve(unaskable(error instanceof Error ? error.message : 'it cannot be written as a request'));
      return;
    }
    let answered = false;
    request.on('error', (error) => {
      if (request.reusedSocket && !answered && !signal.aborted) resolve({ kind: 'stale', error });
      else reject(error);
    });
    request.on('response', (response) => {
      answered = true;
      read(response).then((answer) => resolve({ kind: 'answer', answer }), reject);
    });
    request.on('close', () => {
      if (!answered) reject(new Error('it closed the connection without an answer'));
    });
    request.end(body);
  });
}

async function read(response: IncomingMessage): Promise<HttpAnswer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response) {
    if (!(chunk instanceof Uint8Array)) continue;
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) {
      response.destroy();
      throw new Error(`its answer is larger than ${MAX_ANSWER_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  if (!response.complete) throw new Error('its answer ended before it was complete');
  return { status: response.statusCode ?? 0, rawHeaders: response.rawHeaders, body: Buffer.concat(chunks) };
}
