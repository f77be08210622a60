import type { Verdict } from '@rampart/core';
import { Authenticated } from '@rampart/mesh';
import type { AuthenticationRefusal, Authenticator, HeaderChanges } from '@rampart/mesh';

import { refusal } from './exchange.ts';
import type { InboundExchange } from './exchange.ts';
import { dropHeader, setHeader } from './headers.ts';
import type { RequestFacts } from './request-facts.ts';

/** An answer that the mesh gives instead of the application. */
export interface Answer {
  readonly code: number;
  /** Besides those that say what the body is. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
  readonly verdict: Verdict;
}

export interface PreliminariesOptions {
  readonly authenticator: Authenticator;
}

/** Policies may change while a token is being verified; this often in a row they do not. */
const MAX_ROUNDS = 8;

/**
 * What comes before authorization: the authenticate step. It says how to answer a request that goes no further. Where
 * nothing has to be waited for it is done at once, and where the workload has no such policies it costs one look.
 */
export class Preliminaries {
  readonly #options: PreliminariesOptions;

  constructor(options: PreliminariesOptions) {
    this.#options = options;
  }

  pass(exchange: InboundExchange, facts: RequestFacts): Answer | undefined | Promise<Answer | undefined> {
    const { rules } = this.#options.authenticator;
    if (rules === undefined) return undefined;
    exchange.path = rules.withoutTokens(exchange.path);
    const authentication = Authenticated.by(rules, facts);
    if (authentication instanceof Promise) return this.#wait(exchange, facts, { rules, authentication });
    return accept(exchange, facts, authentication);
  }

  /** What was found under rules that are not in force any more counts for nothing. */
  async #wait(exchange: InboundExchange, facts: RequestFacts, first: Round): Promise<Answer | undefined> {
    let { rules, authentication }: Round = first;
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const found = await authentication;
      const { rules: newest } = this.#options.authenticator;
      if (newest === rules) return accept(exchange, facts, found);
      if (newest === undefined) return undefined;
      rules = newest;
      authentication = Authenticated.by(rules, facts);
    }
    return {
      code: 503,
      body: 'Service Unavailable',
      verdict: refusal('policies changed faster than they can be asked'),
    };
  }
}

interface Round {
  readonly rules: NonNullable<Authenticator['rules']>;
  readonly authentication: ReturnType<typeof Authenticated.by>;
}

function accept(
  exchange: InboundExchange,
  facts: RequestFacts,
  found: Authenticated | AuthenticationRefusal,
): Answer | undefined {
  if (found.denied) return answerTo(found);
  facts.authenticated = found;
  exchange.jwtPrincipal = found.principal;
  if (found.changes !== undefined) change(facts, found.changes);
  return undefined;
}

function answerTo({ status, body, challenge, policy, reason }: AuthenticationRefusal): Answer {
  const verdict: Verdict = { ...refusal(reason), policy };
  return { code: status, headers: { 'www-authenticate': challenge }, body, verdict };
}

function change({ request }: RequestFacts, { drop, set }: HeaderChanges): void {
  for (const name of drop) if (request.headersDistinct[name] !== undefined) dropHeader(request, name);
  for (const [name, value] of set) setHeader(request, name, value);
}
