import { STATUS_CODES } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import type { Verdict } from '@rampart/core';
import { admit, deliver, Entry, InboundExchange, refusal, RequestFacts, ResponseFlag, textAnswer } from '@rampart/mesh';
import type { Answer, InboundConnection, Outcome } from '@rampart/mesh';

import { countBody } from '../body-bytes.ts';
import { bytesSent } from '../body-count.ts';
import { currentRequest } from '../context.ts';
import { NodeApplicant } from './applicant.ts';
import { proceed } from './emission.ts';
import type { Emission } from './emission.ts';
import type { HandlingOptions } from './handling-options.ts';
import { hold } from './hold.ts';
import { holdsInvitation, invite } from './invitation.ts';
import { problemWith, unreadRequest } from './unreadable.ts';
import type { ReadingProblem } from './unreadable.ts';
import { followUpgrade } from './upgrade.ts';

const TOO_MANY = 'its connection had brought as many requests as the server takes on one (maxRequestsPerSocket)';
const SERVICE_UNAVAILABLE = 503;
const GONE = 'the caller went away before the request could be judged';

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

/** authenticate → authorize → limit → deliver → record, for each request that Node has parsed. */
export class RequestHandler {
  readonly #options: HandlingOptions;

  constructor(options: HandlingOptions) {
    this.#options = options;
  }

  #begin(connection: InboundConnection, request: IncomingMessage): InboundExchange {
    const exchange = new InboundExchange(connection, request, this.#options);
    const { headers } = request;
    if (headers['transfer-encoding'] !== undefined || headers['content-length'] !== undefined)
      countReceived(exchange, request);
    return exchange;
  }

  handle(connection: InboundConnection, parts: RequestParts): boolean {
    const { request, response, emission } = parts;
    const exchange = this.#begin(connection, request);
    const facts = RequestFacts.read(request, connection);
    if (!facts.ok) {
      const verdict = refusal(facts.problem);
      this.#answer(exchange, response, textAnswer({ code: 400, body: `Bad Request: ${facts.problem}`, verdict }));
      return true;
    }
    if (!this.#options.preliminaries.concern(connection, facts.value))
      return this.#decide(exchange, parts, facts.value);
    const awaitsContinue = emission.args[0] === 'checkContinue' || holdsInvitation(response);
    const applicant = new NodeApplicant({ exchange, facts: facts.value, request, response, awaitsContinue });
    const answer = this.#options.preliminaries.pass(applicant);
    if (answer instanceof Promise) return this.#decideOnce(answer, applicant, parts);
    return this.#decide(exchange, parts, answer ?? facts.value);
  }

  /** A function of its own: its closures would cost every request a context, also those that need not wait. */
  #decideOnce(answer: Promise<Answer | undefined>, { exchange, facts }: NodeApplicant, parts: RequestParts): boolean {
    const { request, response } = parts;
    const held = { request, answered: response, gone: () => this.#abandon(exchange) };
    hold(held, answer, (next) => void this.#decide(exchange, parts, next ?? facts));
    return true;
  }

  #decide(exchange: InboundExchange, { response, emission }: RequestParts, next: RequestFacts | Answer): boolean {
    if (!(next instanceof RequestFacts)) {
      this.#answer(exchange, response, next);
      return true;
    }
    const entry = admit(this.#options, exchange, next);
    if (!(entry instanceof Entry)) {
      this.#answer(exchange, response, entry);
      return true;
    }
    this.#retire(exchange.connection, response);
    this.#recordOnClose(exchange, response);
    // Not `run`, which makes a second context to go back to: Node does so itself when this callback ends.
    currentRequest.enterWith(exchange);
    invite(response);
    return deliver(entry, proceed, emission);
  }

  /** Puts on record what came and was no request. */
  unreadable(connection: InboundConnection, { code, flag, reason }: ReadingProblem): void {
    const exchange = new InboundExchange(connection, unreadRequest(), this.#options);
    exchange.verdict = refusal(reason);
    this.#record(exchange, { code, flag, bytesSent: 0 });
  }

  /** Puts on record what Node answers with 503; the application is told of requests that it would have been given. */
  drop(connection: InboundConnection, request: IncomingMessage, emission: Emission): boolean {
    const exchange = new InboundExchange(connection, request, this.#options);
    const facts = RequestFacts.read(request, connection);
    const isHeard = facts.ok ? this.#tell(exchange, facts.value, emission) : false;
    exchange.verdict = facts.ok ? explained(exchange.verdict, TOO_MANY) : refusal(facts.problem);
    const flag = exchange.verdict.decision === 'DENY' ? ResponseFlag.denied : ResponseFlag.overloaded;
    this.#record(exchange, { code: SERVICE_UNAVAILABLE, flag, bytesSent: 0 });
    return isHeard;
  }

  #tell(exchange: InboundExchange, facts: RequestFacts, emission: Emission): boolean {
    const entry = admit(this.#options, exchange, facts);
    if (!(entry instanceof Entry)) {
      exchange.verdict = entry.verdict;
      return false;
    }
    // Nobody is asked for a request that is not answered: without them it is not known to be allowed.
    if (this.#options.preliminaries.concern(exchange.connection, facts)) return false;
    return deliver(entry, proceed, emission);
  }

  /** Upgrades and CONNECT get a raw socket instead of a response. */
  handleUpgrade(connection: InboundConnection, parts: UpgradeParts): boolean {
    const { request, socket } = parts;
    const exchange = this.#begin(connection, request);
    const facts = RequestFacts.read(request, connection);
    if (!facts.ok) {
      const verdict = refusal(facts.problem);
      return this.#refuseUpgrade(exchange, socket, textAnswer({ code: 400, body: 'Bad Request', verdict }));
    }
    const parties = { exchange, facts: facts.value, request, response: undefined, awaitsContinue: false };
    const answer = this.#options.preliminaries.pass(new NodeApplicant(parties));
    if (!(answer instanceof Promise)) return this.#decideUpgrade(exchange, parts, answer ?? facts.value);
    const held = { request, answered: socket, gone: () => this.#abandon(exchange) };
    hold(held, answer, (next) => void this.#decideUpgrade(exchange, parts, next ?? facts.value));
    return true;
  }

  #decideUpgrade(exchange: InboundExchange, { socket, emission }: UpgradeParts, next: RequestFacts | Answer): boolean {
    if (!(next instanceof RequestFacts)) return this.#refuseUpgrade(exchange, socket, next);
    const entry = admit(this.#options, exchange, next);
    if (!(entry instanceof Entry)) return this.#refuseUpgrade(exchange, socket, entry);
    followUpgrade(exchange.connection.socket, socket, (end) => {
      exchange.bytesReceived = end.bytesReceived;
      this.#record(exchange, { code: end.code, flag: ResponseFlag.none, bytesSent: end.bytesSent });
    });
    currentRequest.enterWith(exchange);
    return deliver(entry, proceed, emission);
  }

  #refuseUpgrade(exchange: InboundExchange, socket: Duplex, { code, headers, body, verdict }: Answer): boolean {
    exchange.verdict = verdict;
    const fields = headers.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join('');
    socket.write(`HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}\r\nconnection: close\r\n${fields}\r\n`, 'latin1');
    socket.end(body);
    this.#record(exchange, { code, flag: ResponseFlag.denied, bytesSent: Buffer.byteLength(body) });
    return true;
  }

  #answer(exchange: InboundExchange, response: ServerResponse, answer: Answer): void {
    exchange.verdict = answer.verdict;
    this.#recordOnClose(exchange, response);
    response.writeHead(answer.code, [...answer.headers]);
    response.end(answer.body);
  }

  /** A peer whose certificate is near its end is asked to come back on a new connection, with its next one. */
  #retire(connection: InboundConnection, response: ServerResponse): void {
    if (this.#options.clock.now() > connection.retireAt || this.#options.draining()) response.shouldKeepAlive = false;
  }

  #recordOnClose(exchange: InboundExchange, response: ServerResponse): void {
    response.on('close', () => {
      const problem = response.writableFinished ? undefined : problemWith(response);
      if (problem !== undefined) exchange.verdict = explained(exchange.verdict, problem.reason);
      this.#record(exchange, {
        code: response.headersSent ? response.statusCode : (problem?.code ?? 0),
        flag: problem === undefined ? flagOf(exchange, response) : problem.flag,
        bytesSent: exchange.method === 'HEAD' ? 0 : bytesSent(response),
      });
      // Its headers may have promised to keep the connection, before anybody knew: idle, it would hold up the shutdown.
      if (this.#options.draining()) exchange.connection.socket.end();
    });
  }

  #abandon(exchange: InboundExchange): void {
    exchange.verdict = refusal(GONE);
    this.#record(exchange, { code: 0, flag: ResponseFlag.callerGone, bytesSent: 0 });
  }

  #record(exchange: InboundExchange, outcome: Outcome): void {
    this.#options.recorder.write(exchange, outcome);
  }
}

function countReceived(exchange: InboundExchange, request: IncomingMessage): void {
  countBody(request, (bytes) => (exchange.bytesReceived += bytes));
}

/** What became of a request says more than which policy let it pass. */
function explained(verdict: Verdict, reason: string): Verdict {
  return verdict.decision === 'DENY' ? verdict : { ...verdict, reason };
}

function flagOf({ verdict }: InboundExchange, response: ServerResponse): ResponseFlag {
  if (verdict.decision === 'DENY') return ResponseFlag.denied;
  return response.writableFinished ? ResponseFlag.none : ResponseFlag.callerGone;
}
