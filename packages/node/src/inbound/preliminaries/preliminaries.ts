import type { IncomingMessage, ServerResponse } from 'node:http';

import { Authenticated, changeQuery, changeRequestHeaders, changeResponseHeaders, describeCall } from '@rampart/mesh';
import type { Approval, Authentication, Authenticator, ExternalAuthorizer, HeaderChanges } from '@rampart/mesh';

import { unixTime } from '../../clock.ts';
import { answerOfAuthorizer, answerToToken, textAnswer } from './answer.ts';
import type { Answer } from './answer.ts';
import { refusal } from '../exchange.ts';
import type { InboundExchange } from '../exchange.ts';
import { HeaderSnapshot } from './header-snapshot.ts';
import { dropHeader, headerValues, setHeader } from '../headers.ts';
import type { RequestFacts } from '../request-facts.ts';

export interface PreliminariesOptions {
  readonly authenticator: Authenticator;
  readonly external: ExternalAuthorizer;
  /** SPIFFE ID of this workload; "" while it has none. */
  ownPrincipal(): string;
}

/** A request on its way to its permit. */
export interface Applicant {
  readonly exchange: InboundExchange;
  readonly facts: RequestFacts;
  /** Undefined for an upgrade. */
  readonly response: ServerResponse | undefined;
  /** True where the application would tell the caller to send its body: nobody has told it so far. */
  readonly awaitsContinue: boolean;
}

/** A step that is still under way, by the rules that were in force when it began. */
interface Pending {
  readonly rules: Authenticator['rules'];
  readonly authentication: Authentication | Promise<Authentication> | undefined;
}

/** Policies may change while somebody is asked; this often in a row they do not. */
const MAX_ROUNDS = 8;

/**
 * What comes before authorization: the authenticate step, and the external authorizer that a CUSTOM policy wants asked.
 * Says how to answer a request that goes no further. Where nothing has to be waited for it is done at once, and where the
 * workload has no such policies it costs one look each.
 */
export class Preliminaries {
  readonly #options: PreliminariesOptions;

  constructor(options: PreliminariesOptions) {
    this.#options = options;
  }

  pass(applicant: Applicant): Answer | undefined | Promise<Answer | undefined> {
    const { exchange, facts } = applicant;
    const { rules } = this.#options.authenticator;
    if (rules !== undefined) {
      exchange.path = rules.withoutTokens(exchange.path);
      const authentication = Authenticated.by(rules, facts);
      const before = new HeaderSnapshot(facts.request);
      if (authentication instanceof Promise) return this.#wait(applicant, before, { rules, authentication });
      const refused = accept(applicant, authentication);
      if (refused !== undefined) return refused;
      if (exchange.connection.policy.demand(facts)?.kind !== 'ask') return undefined;
      return this.#wait(applicant, before, { rules, authentication: undefined });
    }
    if (exchange.connection.policy.demand(facts)?.kind !== 'ask') return undefined;
    return this.#wait(applicant, new HeaderSnapshot(facts.request), { rules, authentication: undefined });
  }

  /** What was found under policies that are not in force any more counts for nothing: it is taken back, and asked again. */
  async #wait(applicant: Applicant, before: HeaderSnapshot, first: Pending): Promise<Answer | undefined> {
    let pending: Pending | undefined = first;
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const outcome = await this.#round(applicant, pending ?? this.#begin(applicant));
      if (outcome !== 'outdated') return outcome;
      before.restore();
      applicant.facts.authenticated = undefined;
      applicant.facts.approval = undefined;
      pending = undefined;
    }
    const verdict = refusal('policies changed faster than they could be asked');
    return textAnswer({ code: 503, body: 'Service Unavailable', verdict });
  }

  #begin({ facts }: Applicant): Pending {
    const { rules } = this.#options.authenticator;
    return { rules, authentication: rules && Authenticated.by(rules, facts) };
  }

  async #round(applicant: Applicant, { rules, authentication }: Pending): Promise<Answer | 'outdated' | undefined> {
    const { exchange, facts } = applicant;
    const { authenticator, external } = this.#options;
    if (authentication !== undefined) {
      const found = await authentication;
      if (authenticator.rules !== rules) return 'outdated';
      const refused = accept(applicant, found);
      if (refused !== undefined) return refused;
    }
    const demand = exchange.connection.policy.demand(facts);
    if (demand?.kind !== 'ask') return undefined;
    const answer = await whileThere(applicant, (signal) =>
      external.ask(demand, describeCall(exchange.connection, facts.request, this.#circumstances(applicant, signal))),
    );
    const asksNow = exchange.connection.policy.demand(facts);
    const isSame = asksNow?.kind === 'ask' && asksNow.policy === demand.policy && asksNow.rule === demand.rule;
    if (authenticator.rules !== rules || !isSame) return 'outdated';
    if (answer.kind !== 'allowed') return answerOfAuthorizer(answer);
    if (!answer.approval.answers(asksNow)) return 'outdated';
    approve(applicant, answer.approval);
    return undefined;
  }

  #circumstances(
    { exchange, response, awaitsContinue }: Applicant,
    signal: AbortSignal,
  ): Parameters<typeof describeCall>[2] {
    return {
      requestId: exchange.requestId,
      startedAt: unixTime(exchange.startedAt),
      ownPrincipal: this.#options.ownPrincipal(),
      upgrade: response === undefined,
      invite: awaitsContinue ? () => response?.writeContinue() : undefined,
      signal,
    };
  }
}

function accept({ exchange, facts }: Applicant, found: Authentication): Answer | undefined {
  if (found.denied) return answerToToken(found);
  facts.authenticated = found;
  exchange.jwtPrincipal = found.principal;
  if (found.changes !== undefined) change(facts.request, found.changes);
  return undefined;
}

function change(request: IncomingMessage, { drop, set }: HeaderChanges): void {
  for (const name of drop) if (headerValues(request, name).length > 0) dropHeader(request, name);
  for (const [name, value] of set) setHeader(request, name, value);
}

function approve({ facts, response }: Applicant, approval: Approval): void {
  const { request } = facts;
  facts.approval = approval;
  changeRequestHeaders(request, approval.request);
  request.url = changeQuery(facts.target, approval.query);
  if (response !== undefined) changeResponseHeaders(response, approval.response);
}

/** Gives a signal that aborts when the caller goes away. */
async function whileThere<T>(
  { exchange, facts, response }: Applicant,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const gone = (): void => controller.abort();
  const ends = [facts.request, exchange.connection.socket, ...(response === undefined ? [] : [response])];
  for (const end of ends) end.once('close', gone);
  try {
    return await work(controller.signal);
  } finally {
    for (const end of ends) end.off('close', gone);
  }
}
