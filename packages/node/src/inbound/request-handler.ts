import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import type { Verdict } from '@rampart/core';
import { deliver, Permit, ResponseFlag } from '@rampart/mesh';
import type { IdSource, InboundConnection } from '@rampart/mesh';

import { systemClock } from '../clock.ts';
import { currentRequest } from '../context.ts';
import { InboundExchange } from './exchange.ts';
import type { InboundRecorder } from './recorder.ts';
import { RequestFacts } from './request-facts.ts';
import { followUpgrade } from './upgrade.ts';
import { replaceForwardedClientCert } from './forwarded-client-cert.ts';

/** Envoy's body for a request that RBAC refuses. */
const DENIED_BODY = 'RBAC: access denied';

export interface RequestHandlerOptions {
  readonly recorder: InboundRecorder;
  readonly ids: IdSource;
  /** True once this process is going away: answers ask their callers to connect elsewhere. */
  draining(): boolean;
}

/** `application` runs the service's own listeners; it is called only with a permit. */
export interface RequestParts {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly application: () => boolean;
}

export interface UpgradeParts {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly application: () => boolean;
}

/** authenticate → authorize → deliver → record, for each request that Node has parsed. */
export class RequestHandler {
  readonly #options: RequestHandlerOptions;

  constructor(options: RequestHandlerOptions) {
    this.#options = options;
  }

  handle(connection: InboundConnection, { request, response, application }: RequestParts): boolean {
    const exchange = new InboundExchange(connection, request, this.#options.ids);
    replaceForwardedClientCert(request, connection.forwardedClientCert);
    const facts = RequestFacts.read(request, connection.attributes.sourceIp);
    if (!facts.ok) {
      this.#answer(exchange, response, {
        code: 400,
        body: `Bad Request: ${facts.problem}`,
        verdict: badRequest(facts.problem),
      });
      return true;
    }
    const now = systemClock.now();
    const judgement = Permit.judge(connection, facts.value, now);
    if (judgement.denied) {
      this.#answer(exchange, response, { code: 403, body: DENIED_BODY, verdict: judgement.verdict });
      return true;
    }
    this.#retire(connection, response, now);
    this.#recordOnClose(exchange, response, judgement.verdict);
    return currentRequest.run(exchange, deliver, judgement, application);
  }

  /** Upgrades and CONNECT get a raw socket instead of a response. */
  handleUpgrade(connection: InboundConnection, { request, socket, application }: UpgradeParts): boolean {
    const exchange = new InboundExchange(connection, request, this.#options.ids);
    replaceForwardedClientCert(request, connection.forwardedClientCert);
    const facts = RequestFacts.read(request, connection.attributes.sourceIp);
    const judgement = facts.ok
      ? Permit.judge(connection, facts.value, systemClock.now())
      : { denied: true as const, verdict: badRequest(facts.problem) };
    if (judgement.denied) {
      const code = facts.ok ? 403 : 400;
      const status = facts.ok ? '403 Forbidden' : '400 Bad Request';
      const body = facts.ok ? DENIED_BODY : 'Bad Request';
      socket.end(
        `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
      this.#write(exchange, { verdict: judgement.verdict, code, flag: ResponseFlag.denied, bytesSent: body.length });
      return true;
    }
    const { verdict } = judgement;
    followUpgrade(connection.socket, socket, (end) => {
      exchange.bytesReceived = end.bytesReceived;
      this.#write(exchange, { verdict, code: end.code, flag: ResponseFlag.none, bytesSent: end.bytesSent });
    });
    return currentRequest.run(exchange, deliver, judgement, application);
  }

  #answer(
    exchange: InboundExchange,
    response: ServerResponse,
    refusal: { code: number; body: string; verdict: Verdict },
  ): void {
    this.#recordOnClose(exchange, response, refusal.verdict);
    response.writeHead(refusal.code, {
      'content-type': 'text/plain',
      'content-length': Buffer.byteLength(refusal.body),
    });
    response.end(refusal.body);
  }

  /** A peer whose certificate is near its end is asked to come back on a new connection, with its next one. */
  #retire(connection: InboundConnection, response: ServerResponse, now: number): void {
    if (now > connection.retireAt || this.#options.draining()) response.shouldKeepAlive = false;
  }

  #recordOnClose(exchange: InboundExchange, response: ServerResponse, verdict: Verdict): void {
    response.on('close', () => {
      const code = response.headersSent ? response.statusCode : 0;
      const flag = exchange.flag(response, verdict);
      this.#write(exchange, { verdict, code, flag, bytesSent: exchange.bytesSent(response) });
      // Its headers may have promised to keep the connection, before anybody knew: idle, it would hold up the shutdown.
      if (this.#options.draining()) exchange.connection.socket.end();
    });
  }

  #write(exchange: InboundExchange, outcome: Parameters<InboundRecorder['write']>[1]): void {
    this.#options.recorder.write(exchange, outcome);
  }
}

function badRequest(problem: string): Verdict {
  return {
    decision: 'DENY',
    policy: '',
    rule: -1,
    action: '',
    reason: problem,
    audit: [],
    dryRun: [],
    dryRunDecision: '',
    mode: '',
  };
}
