import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import { deliver, Permit, ResponseFlag } from '@rampart/mesh';
import type { IdSource, InboundConnection } from '@rampart/mesh';

import { systemClock } from '../clock.ts';
import { currentRequest } from '../context.ts';
import { proceed } from './emission.ts';
import type { Emission } from './emission.ts';
import { InboundExchange, refusal } from './exchange.ts';
import type { InboundRecorder } from './recorder.ts';
import { RequestFacts } from './request-facts.ts';
import { followUpgrade } from './upgrade.ts';

/** Envoy's body for a request that RBAC refuses. */
const DENIED_BODY = 'RBAC: access denied';

export interface RequestHandlerOptions {
  readonly recorder: InboundRecorder;
  readonly ids: IdSource;
  /** True once this process is going away: answers ask their callers to connect elsewhere. */
  draining(): boolean;
}

interface Answer {
  readonly code: number;
  readonly body: string;
}

/** `emission` runs the service's own listeners; it goes on only with a permit. */
export interface RequestParts {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly emission: Emission;
}

export interface UpgradeParts {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly emission: Emission;
}

/** authenticate → authorize → deliver → record, for each request that Node has parsed. */
export class RequestHandler {
  readonly #options: RequestHandlerOptions;

  constructor(options: RequestHandlerOptions) {
    this.#options = options;
  }

  handle(connection: InboundConnection, { request, response, emission }: RequestParts): boolean {
    const exchange = new InboundExchange(connection, request, this.#options.ids);
    const facts = RequestFacts.read(request, connection.attributes.sourceIp);
    if (!facts.ok) {
      exchange.verdict = refusal(facts.problem);
      this.#answer(exchange, response, { code: 400, body: `Bad Request: ${facts.problem}` });
      return true;
    }
    const now = systemClock.now();
    const judgement = Permit.judge(connection, facts.value, now);
    exchange.verdict = judgement.verdict;
    if (judgement.denied) {
      this.#answer(exchange, response, { code: 403, body: DENIED_BODY });
      return true;
    }
    this.#retire(connection, response, now);
    this.#recordOnClose(exchange, response);
    // Not `run`, which makes a second context to go back to: Node does so itself when this callback ends.
    currentRequest.enterWith(exchange);
    return deliver(judgement, proceed, emission);
  }

  /** Upgrades and CONNECT get a raw socket instead of a response. */
  handleUpgrade(connection: InboundConnection, { request, socket, emission }: UpgradeParts): boolean {
    const exchange = new InboundExchange(connection, request, this.#options.ids);
    const facts = RequestFacts.read(request, connection.attributes.sourceIp);
    const judgement = facts.ok
      ? Permit.judge(connection, facts.value, systemClock.now())
      : { denied: true as const, verdict: refusal(facts.problem) };
    exchange.verdict = judgement.verdict;
    if (judgement.denied) {
      const code = facts.ok ? 403 : 400;
      const status = facts.ok ? '403 Forbidden' : '400 Bad Request';
      const body = facts.ok ? DENIED_BODY : 'Bad Request';
      socket.end(
        `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
      this.#options.recorder.write(exchange, { code, flag: ResponseFlag.denied, bytesSent: body.length });
      return true;
    }
    followUpgrade(connection.socket, socket, (end) => {
      exchange.bytesReceived = end.bytesReceived;
      this.#options.recorder.write(exchange, { code: end.code, flag: ResponseFlag.none, bytesSent: end.bytesSent });
    });
    currentRequest.enterWith(exchange);
    return deliver(judgement, proceed, emission);
  }

  #answer(exchange: InboundExchange, response: ServerResponse, { code, body }: Answer): void {
    this.#recordOnClose(exchange, response);
    response.writeHead(code, { 'content-type': 'text/plain', 'content-length': Buffer.byteLength(body) });
    response.end(body);
  }

  /** A peer whose certificate is near its end is asked to come back on a new connection, with its next one. */
  #retire(connection: InboundConnection, response: ServerResponse, now: number): void {
    if (now > connection.retireAt || this.#options.draining()) response.shouldKeepAlive = false;
  }

  #recordOnClose(exchange: InboundExchange, response: ServerResponse): void {
    response.on('close', () => {
      this.#options.recorder.write(exchange, {
        code: response.headersSent ? response.statusCode : 0,
        flag: exchange.flag(response),
        bytesSent: exchange.bytesSent(response),
      });
      // Its headers may have promised to keep the connection, before anybody knew: idle, it would hold up the shutdown.
      if (this.#options.draining()) exchange.connection.socket.end();
    });
  }
}
