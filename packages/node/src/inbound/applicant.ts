import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';

import { announcesBody, changeResponseHeaders, peekBody } from '@rampart/mesh';
import type { Applicant, HeaderChange, InboundExchange, RequestFacts } from '@rampart/mesh';

interface NodeRequest {
  readonly exchange: InboundExchange;
  readonly facts: RequestFacts;
  readonly request: IncomingMessage;
  /** Undefined for an upgrade. */
  readonly response: ServerResponse | undefined;
  /** True where the caller waits to be told to send its body: nobody has told it so far. */
  readonly awaitsContinue: boolean;
}

/** A request of Node's own server that waits to be judged. */
export class NodeApplicant implements Applicant {
  readonly exchange: InboundExchange;
  readonly facts: RequestFacts;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse | undefined;
  readonly #awaitsContinue: boolean;

  constructor({ exchange, facts, request, response, awaitsContinue }: NodeRequest) {
    this.exchange = exchange;
    this.facts = facts;
    this.#request = request;
    this.#response = response;
    this.#awaitsContinue = awaitsContinue;
  }

  get isUpgrade(): boolean {
    return this.#response === undefined;
  }

  get hasBody(): boolean {
    return announcesBody(this.#request.headers);
  }

  onGone(callback: () => void): () => void {
    const ends: EventEmitter[] = [this.#request, this.exchange.connection.socket];
    if (this.#response !== undefined) ends.push(this.#response);
    for (const end of ends) end.once('close', callback);
    return () => {
      for (const end of ends) end.off('close', callback);
    };
  }

  peekBody(limit: number, signal: AbortSignal): ReturnType<Applicant['peekBody']> {
    if (this.#awaitsContinue) this.#response?.writeContinue();
    return peekBody(this.#request, limit, signal);
  }

  changeResponse(changes: readonly HeaderChange[]): void {
    if (this.#response !== undefined) changeResponseHeaders(this.#response, changes);
  }
}
