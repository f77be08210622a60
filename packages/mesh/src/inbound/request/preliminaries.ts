import type { DataPlane } from '../../data-plane.ts';
import type { Stopwatch } from '../../record/stopwatch.ts';
import { Authenticated } from '../authenticate/authenticated.ts';
import type { Authentication } from '../authenticate/authenticated.ts';
import type { Authenticator } from '../authenticate/authenticator.ts';
import type { HeaderChanges } from '../authenticate/carrier.ts';
import { describeCall } from '../external/describe-call.ts';
import type { CallCircumstances } from '../external/describe-call.ts';
import type { Approval, ExternalAuthorizer } from '../external/external-authorizer.ts';
import { changeQuery, changeRequestHeaders } from '../external/request-changes.ts';
import { answerOfAuthorizer, answerToToken, textAnswer } from './answer.ts';
import type { Answer } from './answer.ts';
import type { Applicant } from './applicant.ts';
import type { InboundConnection } from '../connection.ts';
import { refusal } from '../refused.ts';
import type { RequestFacts } from './facts.ts';
import { HeaderSnapshot } from './header-snapshot.ts';
import { dropHeader, headerValues, setHeader } from './headers.ts';
import type { RequestMessage } from './message.ts';
import { whileThere } from './while-there.ts';

export interface PreliminariesOptions {
  readonly plane: Pick<DataPlane, 'authenticator' | 'limits' | 'signatures'>;
  readonly external: ExternalAuthorizer;
  /** SPIFFE ID of this workload; "" while it has none. */
  ownPrincipal(): string;
  readonly stopwatch: Stopwatch;
}

/** Authentication that is under way, by the rules that were in force when it began. */
interface Pending {
  readonly rules: NonNullable<Authenticator['rules']>;
  readonly authentication: Promise<Authentication>;
}

/** Policies may change while somebody is asked; this often in a row they do not. */
const MAX_ROUNDS = 8;

/**
 * What comes before authorization: the signature of a request, before anything of it is changed; then, in Istio's order, the external authorizer that a CUSTOM policy wants asked sees the
 * request as it came and may write its token; then the authenticate step. Where that makes a CUSTOM policy match, its
 * authorizer is asked after it. Says how to answer a request that goes no further. Where nothing has to be waited for it
 * is done at once, and where the workload has no such policies it costs one look each.
 */
export class Preliminaries {
  readonly #options: PreliminariesOptions;

  constructor(options: PreliminariesOptions) {
    this.#options = options;
  }

  /** Whether `pass` has anything to do: a request that no such policy is about need not even apply. */
  concern(connection: InboundConnection, facts: RequestFacts): boolean {
    const { signatures, limits } = connection.workload;
    if (signatures.length > 0 || limits.hasShared || this.#options.plane.authenticator.rules !== undefined) return true;
    return connection.policy.demand(facts)?.kind === 'ask';
  }

  pass(applicant: Applicant): Answer | undefined | Promise<Answer | undefined> {
    const signature = this.#options.plane.signatures.check(applicant);
    if (signature === undefined) return this.#admit(applicant);
    return signature.then((answer) => answer ?? this.#admit(applicant));
  }

  #admit(applicant: Applicant): Answer | undefined | Promise<Answer | undefined> {
    const refused = this.#identify(applicant);
    if (!applicant.exchange.connection.workload.limits.hasShared) return refused;
    if (!(refused instanceof Promise)) return refused ?? this.#share(applicant);
    return refused.then((answer) => answer ?? this.#share(applicant));
  }

  /** Limits that are shared may have to be asked for, too: their step, after authorization, waits for nobody. */
  #share({ exchange, facts }: Applicant): Promise<undefined> | undefined {
    return this.#options.plane.limits.prepare(exchange, facts)?.then(() => undefined);
  }

  #identify(applicant: Applicant): Answer | undefined | Promise<Answer | undefined> {
    const { exchange, facts } = applicant;
    const { rules } = this.#options.plane.authenticator;
    if (rules !== undefined) exchange.path = rules.withoutTokens(exchange.path);
    if (isAsking(applicant)) return this.#wait(applicant, new HeaderSnapshot(facts.request));
    if (rules === undefined) return undefined;
    const authentication = Authenticated.by(rules, facts);
    const before = new HeaderSnapshot(facts.request);
    if (authentication instanceof Promise) return this.#wait(applicant, before, { rules, authentication });
    const refused = accept(applicant, authentication);
    return refused === undefined && isAsking(applicant) ? this.#wait(applicant, before) : refused;
  }

  /** What was found under policies that are not in force any more counts for nothing: it is taken back, and asked again. */
  async #wait(applicant: Applicant, before: HeaderSnapshot, first?: Pending): Promise<Answer | undefined> {
    const { facts } = applicant;
    let pending = first;
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const outcome =
        pending === undefined ? await this.#fromStart(applicant, before) : await this.#finish(applicant, pending);
      if (outcome === undefined && facts.approval !== undefined) applicant.changeResponse(facts.approval.response);
      if (outcome !== 'outdated') return outcome;
      pending = undefined;
    }
    const verdict = refusal('policies changed faster than they could be asked');
    return textAnswer({ code: 503, body: 'Service Unavailable', verdict });
  }

  async #fromStart(applicant: Applicant, before: HeaderSnapshot): Promise<Answer | 'outdated' | undefined> {
    const { facts } = applicant;
    before.restore();
    facts.authenticated = undefined;
    facts.approval = undefined;
    const { rules } = this.#options.plane.authenticator;
    if (rules !== undefined) drop(facts.request, rules.outputs);
    const outcome = await this.#ask(applicant);
    if (outcome !== undefined) return outcome;
    if (this.#options.plane.authenticator.rules !== rules) return 'outdated';
    return rules === undefined
      ? undefined
      : this.#finish(applicant, { rules, authentication: Promise.resolve(Authenticated.by(rules, facts)) });
  }

  async #finish(applicant: Applicant, { rules, authentication }: Pending): Promise<Answer | 'outdated' | undefined> {
    const { exchange, facts } = applicant;
    const found = await authentication;
    if (this.#options.plane.authenticator.rules !== rules) return 'outdated';
    const refused = accept(applicant, found);
    if (refused !== undefined) return refused;
    if (facts.approval === undefined) return this.#ask(applicant);
    const demand = exchange.connection.policy.demand(facts);
    return demand?.kind === 'ask' && !facts.approval.answers(demand) ? 'outdated' : undefined;
  }

  /** Asks the authorizer that a CUSTOM policy wants asked, if any. */
  async #ask(applicant: Applicant): Promise<Answer | 'outdated' | undefined> {
    const { exchange, facts } = applicant;
    const { plane, external } = this.#options;
    const { authenticator } = plane;
    const { rules } = authenticator;
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
    approve(facts, answer.approval);
    return undefined;
  }

  #circumstances(applicant: Applicant, signal: AbortSignal): CallCircumstances {
    const { exchange, isUpgrade, hasBody } = applicant;
    return {
      requestId: exchange.requestId,
      startedAt: this.#options.stopwatch.unixTime(exchange.startedAt),
      ownPrincipal: this.#options.ownPrincipal(),
      peekBody: isUpgrade || !hasBody ? undefined : (limit, until) => applicant.peekBody(limit, until),
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

function change(request: RequestMessage, changes: HeaderChanges): void {
  drop(request, changes.drop);
  for (const [name, value] of changes.set) setHeader(request, name, value);
}

function drop(request: RequestMessage, names: readonly string[]): void {
  for (const name of names) if (headerValues(request, name).length > 0) dropHeader(request, name);
}

function isAsking({ exchange, facts }: Applicant): boolean {
  return exchange.connection.policy.demand(facts)?.kind === 'ask';
}

function approve(facts: RequestFacts, approval: Approval): void {
  const { request } = facts;
  facts.approval = approval;
  changeRequestHeaders(request, approval.request);
  request.url = changeQuery(facts.target, approval.query);
}
