import { BoundedCache } from '../../../bounded-cache.ts';
import type { ConnectionFacts } from '../checks/check.ts';
import type { PolicyRule } from '../policy.ts';
import { CallerIndex } from './caller-index.ts';
import { isUnconditional, type Clause } from './clause.ts';
import { Program } from './program.ts';
import { clausesOf } from './clauses.ts';
import { narrow } from './narrowing.ts';

/** The rules of one action that can still match on one connection. */
export interface LiveRules<Outcome> {
  /** In their order. */
  readonly rules: readonly PolicyRule[];
  /** What requests are held against; undefined when there is nothing left. */
  readonly index: Program<Outcome> | undefined;
  /** What every request on the connection leads to, if one rule takes them all. */
  readonly always: Outcome | undefined;
}

/** A rule as it is on some connections. */
interface LiveRule<Outcome> {
  readonly id: number;
  readonly origin: PolicyRule;
  readonly clauses: readonly Clause<Outcome>[];
}

/** Sets of live rules that are kept for connections to come. */
const KEPT_SETS = 1024;
const KEPT_RULES = 8192;

/** All rules of one action that are about a workload, in their order, and what a match of each leads to. */
export class RuleSet<Outcome> {
  readonly rules: readonly PolicyRule[];
  readonly #outcome: (rule: PolicyRule, mode: string) => Outcome;
  readonly #callers: CallerIndex;
  readonly #liveRules = new BoundedCache<string, LiveRule<Outcome>>(KEPT_RULES);
  readonly #liveSets = new BoundedCache<string, LiveRules<Outcome>>(KEPT_SETS);
  #ids = 0;

  constructor(rules: readonly PolicyRule[], outcome: (rule: PolicyRule, mode: string) => Outcome) {
    this.rules = rules;
    this.#outcome = outcome;
    this.#callers = new CallerIndex(rules.map(({ rule }) => rule));
  }

  /** Judges by the connection all that it decides. Connections that leave the same rules share one answer. */
  live(facts: ConnectionFacts, mode: string): LiveRules<Outcome> {
    const live: LiveRule<Outcome>[] = [];
    for (const order of this.#callers.candidates(facts.attributes.principal)) {
      const rule = this.#liveRule(order, facts, mode);
      if (rule !== undefined) live.push(rule);
    }
    const key = live.map(({ id }) => id).join();
    let rules = this.#liveSets.get(key);
    if (rules === undefined) {
      rules = liveRules(live);
      this.#liveSets.set(key, rules);
    }
    return rules;
  }

  /** The rules that may have come closest to matching, the likeliest first: worked out as far as they are asked for. */
  *likeliest(
    live: LiveRules<Outcome>,
    { attributes }: ConnectionFacts,
    isMeant: (rule: PolicyRule) => boolean,
  ): Generator<PolicyRule> {
    const seen = new Set<PolicyRule>();
    const byCaller = this.#callers.candidates(attributes.principal).map((order) => this.rules[order]);
    for (const rules of [live.rules, byCaller, this.rules]) {
      for (const rule of rules) {
        if (rule === undefined || !isMeant(rule) || seen.has(rule)) continue;
        seen.add(rule);
        yield rule;
      }
    }
  }

  #liveRule(order: number, facts: ConnectionFacts, mode: string): LiveRule<Outcome> | undefined {
    const origin = this.rules[order];
    const parts = origin && narrow(origin.rule, facts);
    if (origin === undefined || parts === undefined) return undefined;
    const key = `${order}/${parts.key}/${mode}`;
    let rule = this.#liveRules.get(key);
    if (rule === undefined) {
      this.#ids += 1;
      rule = {
        id: this.#ids,
        origin,
        clauses: clausesOf(parts, { order, outcome: this.#outcome(origin, mode) }),
      };
      this.#liveRules.set(key, rule);
    }
    return rule;
  }
}

function liveRules<Outcome>(live: readonly LiveRule<Outcome>[]): LiveRules<Outcome> {
  const clauses = live.flatMap((rule) => rule.clauses);
  return {
    rules: live.map(({ origin }) => origin),
    index: clauses.length === 0 ? undefined : new Program(clauses),
    always: clauses.find(isUnconditional)?.outcome,
  };
}
