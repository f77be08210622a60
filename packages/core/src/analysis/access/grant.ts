import type { AuthorizationCondition } from '../../resource/authorization/condition.ts';
import type { AuthorizationOperation } from '../../resource/authorization/operation.ts';
import type { AuthorizationRule } from '../../resource/authorization/rule.ts';
import type { AuthorizationSource } from '../../resource/authorization/source.ts';
import { qualifiedName, type AuthorizationPolicy } from '../../resource/resource.ts';
import type { TrustDomains } from '../../policy/match/identity.ts';
import { callerCondition, isCaller, withoutCaller, type CallerContext } from './caller-test.ts';

/** A rule as it is left for one caller: who calls is settled, the rest depends on the request. */
export interface Grant {
  /** "namespace/name". */
  readonly policy: string;
  readonly rule: number;
  /** What may be done, or must not; any of them, and anything when there is none. */
  readonly operations: readonly AuthorizationOperation[];
  /** What is asked of the caller besides its identity (addresses, tokens); any of them, nothing when there is none. */
  readonly sources: readonly AuthorizationSource[];
  /** All of them must hold. */
  readonly conditions: readonly AuthorizationCondition[];
}

/** The rules of a policy that a caller can meet. */
export function grantsOf(
  policy: AuthorizationPolicy,
  principal: string | undefined,
  trustDomains: TrustDomains,
): readonly Grant[] {
  const context = { policyNamespace: policy.metadata.namespace, trustDomains };
  return (policy.spec.rules ?? []).flatMap((rule, index) => {
    const left = narrow(rule, principal, context);
    return left === undefined ? [] : [{ policy: qualifiedName(policy), rule: index, ...left }];
  });
}

/** Whether a grant depends on nothing but who calls. */
export function isUnconditional({ operations, sources, conditions }: Grant): boolean {
  return operations.length === 0 && sources.length === 0 && conditions.length === 0;
}

function narrow(
  { from = [], to = [], when = [] }: AuthorizationRule,
  principal: string | undefined,
  context: CallerContext,
): Pick<Grant, 'operations' | 'sources' | 'conditions'> | undefined {
  const mine = from.filter(({ source }) => isCaller(source, principal, context));
  if (from.length > 0 && mine.length === 0) return undefined;
  const conditions: AuthorizationCondition[] = [];
  for (const condition of when) {
    const settled = callerCondition(condition, principal, context);
    if (settled === false) return undefined;
    if (settled === undefined) conditions.push(condition);
  }
  const sources = mine.map(({ source }) => withoutCaller(source));
  const asksNothing = sources.some((source) => Object.keys(source).length === 0);
  return { operations: to.map(({ operation }) => operation), sources: asksNothing ? [] : sources, conditions };
}
