import { CLOCK_SKEW_SECONDS, timeProblem, tokenFacts, userClaimsProblem, userTokenPlaces } from '@rampart/core';
import type { Clock, JwtRule, ParsedToken, TokenFacts, TokenProblem } from '@rampart/core';

import { isPreflight } from './carrier.ts';
import type { Carrier, HeaderChanges } from './carrier.ts';
import type { KeySource } from './keys/key-source.ts';
import { TokenLocations } from './locations.ts';
import type { PresentedToken } from './locations.ts';
import { isFree, outputNames, outputsOf } from './output-headers.ts';
import { refusal } from './refusal.ts';
import type { AuthenticationRefusal } from './refusal.ts';
import { parseToken } from './token/parse.ts';
import { VerifiedTokens } from './verified-tokens.ts';
import type { VerifiedToken } from './verified-tokens.ts';
import { verifySignature } from './verify-token.ts';

/** Who the end user of a request is, if anybody, and what becomes of its headers. */
export interface EndUser {
  readonly denied: false;
  readonly token: TokenFacts | undefined;
  readonly changes: HeaderChanges | undefined;
}

/** One rule with its keys. */
interface Provider {
  readonly rule: JwtRule;
  readonly source: KeySource;
  readonly group: ProviderGroup;
}

/** Rules that look for tokens in the same places. */
interface ProviderGroup {
  readonly locations: TokenLocations;
  readonly byIssuer: Map<string, Provider[]>;
  /** Rules that name only where keys are: they take tokens of any issuer who has them. */
  readonly ofAnyIssuer: Provider[];
}

interface ProvenToken extends VerifiedToken {
  readonly provider: Provider;
  readonly facts: TokenFacts;
  readonly outputs: HeaderChanges['set'];
}

/** The tokens that the rules of one group see in a request. */
interface Presented {
  readonly group: ProviderGroup;
  readonly tokens: readonly PresentedToken[];
}

/**
 * RequestAuthentication: the union of all rules that are about a workload. Without a token there is no identity and
 * nothing is refused. With several rules, one whose tokens are all good is enough: Envoy's "any of: rule 1 … rule n,
 * or each missing". Tokens that are good but not the same leave the request without identity, as nobody could say whose
 * it is.
 */
export class EndUsers {
  readonly #groups: readonly ProviderGroup[];
  readonly #clock: Clock;
  readonly #verified = new VerifiedTokens<ProvenToken>();
  /** Headers that only rules may write. */
  readonly outputs: readonly string[];
  readonly #nobody: EndUser;

  constructor(rules: readonly JwtRule[], sources: readonly KeySource[], clock: Clock) {
    this.#clock = clock;
    this.#groups = groupRules(rules, sources);
    this.outputs = [...new Set(rules.flatMap(outputNames))];
    this.#nobody = { denied: false, token: undefined, changes: changesOf(this.outputs, []) };
  }

  /** Query parameters that hold tokens. */
  get params(): readonly string[] {
    return this.#groups.flatMap(({ locations }) => locations.params);
  }

  /** Answers at once when there is no token, or when its like was verified before. */
  identify(carrier: Carrier): EndUser | Promise<EndUser | AuthenticationRefusal> {
    if (isPreflight(carrier)) return this.#nobody;
    const presented: Presented[] = [];
    for (const group of this.#groups) {
      const tokens = group.locations.find(carrier);
      if (tokens.length > 0) presented.push({ group, tokens });
    }
    const [first, second] = presented;
    if (first === undefined) return this.#nobody;
    return (second === undefined ? this.#known(first) : undefined) ?? this.#judge(presented, carrier);
  }

  /** The quick way: one token, good before, and still in its time. */
  #known({ group, tokens }: Presented): EndUser | undefined {
    const [token, another] = tokens;
    const proven = token === undefined || another !== undefined ? undefined : this.#verified.get(token.text);
    if (token === undefined || proven?.provider.group !== group) return undefined;
    if (timeProblem(proven.token, this.#clock.now(), CLOCK_SKEW_SECONDS) !== undefined) {
      this.#verified.drop(token.text);
      return undefined;
    }
    const stripped = proven.provider.rule.forwardOriginalToken ? [] : token.headers.filter(isFree);
    return { denied: false, token: proven.facts, changes: changesOf([...this.outputs, ...stripped], proven.outputs) };
  }

  async #judge(presented: readonly Presented[], carrier: Carrier): Promise<EndUser | AuthenticationRefusal> {
    const proven = new Map<string, ProvenToken>();
    const problems: TokenProblem[] = [];
    for (const { group, tokens } of presented) {
      const judged = await this.#judgeGroup(group, tokens);
      if (Array.isArray(judged)) for (const token of judged) proven.set(token.token.text, token);
      else problems.push(judged);
    }
    const [one, another] = proven.values();
    if (one === undefined) return refusedWith(carrier, problems);
    const isOnlyOne = another === undefined;
    return {
      denied: false,
      token: isOnlyOne ? one.facts : undefined,
      changes: changesOf([...this.outputs, ...stripped(presented, proven)], isOnlyOne ? one.outputs : []),
    };
  }

  /** Rules in the same places see the same tokens: a rule holds when all of them are good for it. */
  async #judgeGroup(group: ProviderGroup, tokens: readonly PresentedToken[]): Promise<ProvenToken[] | TokenProblem> {
    const parsed: ParsedToken[] = [];
    for (const { text } of tokens) {
      const token = parseToken(text);
      if (!token.ok) return token.problem;
      parsed.push(token.value);
    }
    const [first] = parsed;
    const isOfOneIssuer = parsed.every(({ issuer }) => issuer === first?.issuer);
    let problem: TokenProblem = 'Jwt issuer is not configured';
    const providers = [...(isOfOneIssuer ? (group.byIssuer.get(first?.issuer ?? '') ?? []) : []), ...group.ofAnyIssuer];
    for (const provider of providers) {
      const judged = await Promise.all(parsed.map(async (token) => this.#prove(token, provider)));
      const failed = judged.find((outcome) => typeof outcome === 'string');
      if (failed === undefined) return judged.filter((outcome) => typeof outcome !== 'string');
      problem = failed;
    }
    return problem;
  }

  /** What costs nothing is checked before what needs the issuer's keys. */
  async #prove(token: ParsedToken, provider: Provider): Promise<ProvenToken | TokenProblem> {
    const { rule, source } = provider;
    const problem = userClaimsProblem(rule, token, this.#clock.now());
    if (problem !== undefined) return problem;
    const verdict = await verifySignature(token, source);
    if ('problem' in verdict) return verdict.problem;
    const facts = tokenFacts(rule, token);
    const proven = { token, source, keys: verdict.keys, provider, facts, outputs: outputsOf(rule, token) };
    this.#verified.put(proven);
    return proven;
  }
}

function groupRules(rules: readonly JwtRule[], sources: readonly KeySource[]): readonly ProviderGroup[] {
  const groups = new Map<string, ProviderGroup>();
  for (const [index, rule] of rules.entries()) {
    const source = sources[index];
    if (source === undefined) continue;
    const locations = new TokenLocations(userTokenPlaces(rule));
    const group = groups.get(locations.name) ?? { locations, byIssuer: new Map<string, Provider[]>(), ofAnyIssuer: [] };
    groups.set(locations.name, group);
    const ofIssuer = rule.issuer === '' ? group.ofAnyIssuer : (group.byIssuer.get(rule.issuer) ?? []);
    if (rule.issuer !== '') group.byIssuer.set(rule.issuer, ofIssuer);
    ofIssuer.push({ rule, source, group });
  }
  return [...groups.values()];
}

/** Headers whose token is not for the application: unless the rule that found it good forwards it. */
function stripped(presented: readonly Presented[], proven: ReadonlyMap<string, ProvenToken>): string[] {
  return presented.flatMap(({ tokens }) =>
    tokens.flatMap(({ text, headers }) =>
      proven.get(text)?.provider.rule.forwardOriginalToken === true ? [] : headers.filter(isFree),
    ),
  );
}

function changesOf(drop: readonly string[], set: HeaderChanges['set']): HeaderChanges | undefined {
  return drop.length === 0 && set.length === 0 ? undefined : { drop, set };
}

/** What is wrong with a token says more than that no rule is about it. */
function refusedWith(carrier: Carrier, problems: readonly TokenProblem[]): AuthenticationRefusal {
  const body = problems.find((problem) => problem !== 'Jwt issuer is not configured') ?? 'Jwt issuer is not configured';
  const reason = `RequestAuthentication: ${body}`;
  return refusal(carrier, { status: 401, body, error: 'invalid_token', policy: '', reason });
}
