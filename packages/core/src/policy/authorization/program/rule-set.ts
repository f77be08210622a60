import { BoundedCache } from '../../../bounded-cache.ts';
import type { ConnectionFacts } from '../checks/check.ts';
import type { PolicyRule } from '../policy.ts';
import { CallerIndex } from './caller-index.ts';
import { clausesOf } from './clauses.ts';
import { everyRule, liveRules, type LiveRule, type LiveRules } from './live-rules.ts';
import { narrow } from './narrowing.ts';

// What is kept for connections to come.
const KEPT_SETS = 512;
const KEPT_SHARED_SETS = 16;
const KEPT_RULES = 8192;
/** Up to this many rules, each caller's own program holds those that name nobody, too: one program is quicker than two. */
const FEW_OTHERS = 16;

/** All rules of one action that are about a workload, in their order, and what a match of each leads to. */
export class RuleSet<Outcome> {
  readonly rules: readonly PolicyRule[];
  readonly #outcome: (rule: PolicyRule, mode: string) => Outcome;
  readonly #callers: CallerIndex;
  readonly #liveRules = new BoundedCache<string, LiveRule<Outcome>>(KEPT_RULES);
  readonly #liveSets = new BoundedCache<string, LiveRules<Outcome>>(KEPT_SETS);
  readonly #sharedSets = new BoundedCache<string, Shared<Outcome>>(KEPT_SHARED_SETS);
  #ids = 0;

  constructor(rules: readonly PolicyRule[], outcome: (rule: PolicyRule, mode: string) => Outcome) {
    this.rules = rules;
    this.#outcome = outcome;
    this.#callers = new CallerIndex(rules.map(({ rule }) => rule));
  }

  /** Judges by the connection all that it decides. Connections that leave the same rules share one answer. */
  live(facts: ConnectionFacts, mode: string): LiveRules<Outcome> {
    const naming = this.#callers.naming(facts.attributes.principal);
    const own = this.#narrowed(naming, facts, mode);
    const others = this.#narrowed(this.#callers.others, facts, mode);
    if (others.length > FEW_OTHERS) {
      const shared = this.#shared(others);
      return own.length === 0 ? shared.rules : this.#set(own, shared);
    }
    return this.#set(others.length === 0 ? own : [...own, ...others].toSorted(byOrder), undefined);
  }

  /** The rules that may have come closest to matching, the likeliest first: worked out as far as they are asked for. */
  *likeliest(
    live: LiveRules<Outcome>,
    { attributes }: ConnectionFacts,
    isMeant: (rule: PolicyRule) => boolean,
  ): Generator<PolicyRule> {
    const seen = new Set<PolicyRule>();
    const naming = this.#callers.naming(attributes.principal);
    const byCaller = [...naming, ...this.#callers.others].map((order) => this.rules[order]);
    for (const rules of [everyRule(live), byCaller, this.rules]) {
      for (const rule of rules) {
        if (rule === undefined || !isMeant(rule) || seen.has(rule)) continue;
        seen.add(rule);
        yield rule;
      }
    }
  }

  #narrowed(orders: readonly number[], facts: ConnectionFacts, mode: string): LiveRule<Outcome>[] {
    const live: LiveRule<Outcome>[] = [];
    for (const order of orders) {
      const rule = this.#liveRule(order, facts, mode);
      if (rule !== undefined) live.push(rule);
    }
    return live;
  }

  #set(live: readonly LiveRule<Outcome>[], shared: Shared<Outcome> | undefined): LiveRules<Outcome> {
    const key = `${idsOf(live)}+${shared?.id ?? ''}`;
    let rules = this.#liveSets.get(key);
    if (rules === undefined) {
      rules = liveRules(live, shared?.rules);
      this.#liveSets.set(key, rules);
    }
    return rules;
  }

  #shared(live: readonly LiveRule<Outcome>[]): Shared<Outcome> {
    const key = idsOf(live);
    let shared = this.#sharedSets.get(key);
    if (shared === undefined) {
      shared = { id: this.#nextId(), rules: liveRules(live) };
      this.#sharedSets.set(key, shared);
    }
    return shared;
  }

  #liveRule(order: number, facts: ConnectionFacts, mode: string): LiveRule<Outcome> | undefined {
    const origin = this.rules[order];
    const parts = origin && narrow(origin.rule, facts);
    if (origin === undefined || parts === undefined) return undefined;
    const key = `${order}/${parts.key}/${mode}`;
    let rule = this.#liveRules.get(key);
    if (rule === undefined) {
      const clauses = clausesOf(parts, { order, outcome: this.#outcome(origin, mode) });
      rule = { id: this.#nextId(), order, origin, clauses };
      this.#liveRules.set(key, rule);
    }
    return rule;
  }

  #nextId(): number {
    this.#ids += 1;
    return this.#ids;
  }
}

interface Shared<Outcome> {
  readonly id: number;
  readonly rules: LiveRules<Outcome>;
}

function idsOf(live: readonly LiveRule<unknown>[]): string {
  return live.map(({ id }) => id).join();
}

function byOrder(a: LiveRule<unknown>, b: LiveRule<unknown>): number {
  return a.order - b.order;
}
