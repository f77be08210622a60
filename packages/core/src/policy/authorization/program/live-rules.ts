import type { PolicyRule } from '../policy.ts';
import { earlier, isUnconditional, type Clause } from './clause.ts';
import { Program } from './program.ts';

/** A rule as it is on some connections. */
export interface LiveRule<Outcome> {
  /** The same for the same rule, if the same of it is left. */
  readonly id: number;
  /** Place of the rule among all. */
  readonly order: number;
  readonly origin: PolicyRule;
  readonly clauses: readonly Clause<Outcome>[];
}

/** The rules of one action that can still match on one connection. */
export interface LiveRules<Outcome> {
  /** In their order, without those of `shared`. */
  readonly rules: readonly PolicyRule[];
  /** Rules that many connections have in common, where there are many of them. */
  readonly shared: LiveRules<Outcome> | undefined;
  /** What requests are held against, `shared` included; undefined when there is nothing left. */
  readonly index: Program<Outcome> | undefined;
  /** The first rule that every request on the connection matches, as a clause. */
  readonly always: Clause<Outcome> | undefined;
}

/** Takes rules in their order. */
export function liveRules<Outcome>(
  live: readonly LiveRule<Outcome>[],
  shared?: LiveRules<Outcome>,
): LiveRules<Outcome> {
  const clauses = live.flatMap((rule) => rule.clauses);
  return {
    rules: live.map(({ origin }) => origin),
    shared,
    index: clauses.length === 0 ? shared?.index : new Program(clauses, shared?.index),
    always: earlier(clauses.find(isUnconditional), shared?.always),
  };
}

/** Those of the connection itself, then those it shares. */
export function everyRule({ rules, shared }: LiveRules<unknown>): readonly PolicyRule[] {
  return shared === undefined ? rules : [...rules, ...shared.rules];
}
