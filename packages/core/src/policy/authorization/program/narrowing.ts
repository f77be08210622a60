import type { CheckGroup } from '../checks/conditions.ts';
import type { ConnectionFacts, RequestCheck } from '../checks/check.ts';
import type { CompiledRule } from '../rule.ts';

/** Which parts of a rule are left once its connection is known; requests are held against these only. */
export interface LiveParts {
  /** Any of these; empty asks nothing. */
  readonly sources: readonly (readonly RequestCheck[])[];
  /** Any of these; empty asks nothing. */
  readonly operations: readonly (readonly RequestCheck[])[];
  /** All of these. */
  readonly conditions: readonly RequestCheck[];
  /** The same for the same parts of the same rule. */
  readonly key: string;
}

/** Undefined when no request on this connection can match the rule. */
export function narrow(rule: CompiledRule, facts: ConnectionFacts): LiveParts | undefined {
  if (!holds(rule.conditions, facts)) return undefined;
  const sources = left(rule.sources, facts);
  if (sources === undefined) return undefined;
  const operations = left(rule.operations, facts);
  if (operations === undefined) return undefined;
  return {
    sources: sources.map((index) => rule.sources[index]?.request ?? []),
    operations: operations.map((index) => rule.operations[index]?.request ?? []),
    conditions: rule.conditions.request,
    key: `${sources.join()}/${operations.join()}`,
  };
}

/** Indexes of the groups that requests have to be asked about; none when every request will do, undefined when no request will. */
function left(groups: readonly CheckGroup[], facts: ConnectionFacts): number[] | undefined {
  const indexes: number[] = [];
  for (const [index, group] of groups.entries()) {
    if (!holds(group, facts)) continue;
    if (group.request.length === 0) return [];
    indexes.push(index);
  }
  return groups.length > 0 && indexes.length === 0 ? undefined : indexes;
}

function holds(group: CheckGroup, facts: ConnectionFacts): boolean {
  for (const check of group.connection) if (!check.test(facts)) return false;
  return true;
}
