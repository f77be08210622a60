import type { CheckGroup } from '../checks/conditions.ts';
import type { CompiledRule } from '../rule.ts';

/** Finds the rules that a caller can match at all, without a look at those that name other callers. */
export class CallerIndex {
  readonly #byPrincipal = new Map<string, number[]>();
  /** Places of the rules that name no callers one by one, in their order. */
  readonly others: readonly number[];

  constructor(rules: readonly CompiledRule[]) {
    const others: number[] = [];
    for (const [order, rule] of rules.entries()) {
      const principals = principalsOf(rule);
      if (principals === undefined) others.push(order);
      else for (const principal of new Set(principals)) this.#under(principal).push(order);
    }
    this.others = others;
  }

  /** Places of the rules that name this caller, in their order; `principal` is undefined on plaintext. */
  naming(principal: string | undefined): readonly number[] {
    return (principal === undefined ? undefined : this.#byPrincipal.get(principal)) ?? [];
  }

  #under(principal: string): number[] {
    let orders = this.#byPrincipal.get(principal);
    if (orders === undefined) {
      orders = [];
      this.#byPrincipal.set(principal, orders);
    }
    return orders;
  }
}

/** The only principals that can match a rule; undefined when it names none, or not one by one. */
function principalsOf(rule: CompiledRule): readonly string[] | undefined {
  const wanted = required(rule.conditions);
  if (wanted !== undefined || rule.sources.length === 0) return wanted;
  const bySource = rule.sources.map(required);
  return bySource.every((principals) => principals !== undefined) ? bySource.flat() : undefined;
}

function required(group: CheckGroup): readonly string[] | undefined {
  return group.connection.find((check) => check.principals !== undefined)?.principals;
}
