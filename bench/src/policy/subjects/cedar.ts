import { preparsePolicySet, statefulIsAuthorized } from '@cedar-policy/cedar-wasm/nodejs';

import type { Decider } from '../decider.ts';
import { policiesOf, type World, type WorldPolicy, type WorldRule, type WorldService } from '../world.ts';

/**
 * Cedar with one preparsed policy set for each service, so that it evaluates no policy of another one. One named caller
 * and the methods stand in the policy's scope, which Cedar evaluates first; the rest are conditions on the context.
 */
export const cedar: Decider = {
  name: 'cedar',
  prepare: async (world) => {
    for (const service of world.services) preparse(world, service);
    return ({ service, caller, method, path }) => {
      const answer = statefulIsAuthorized({
        principal: { type: 'Caller', id: caller },
        action: { type: 'Action', id: method },
        resource: { type: 'Service', id: service },
        context: { caller, path },
        preparsedPolicySetId: service,
        entities: [],
      });
      if (answer.type === 'failure') throw new Error(JSON.stringify(answer.errors));
      if (answer.response.diagnostics.errors.length > 0) throw new Error(JSON.stringify(answer.response.diagnostics));
      return answer.response.decision === 'allow';
    };
  },
};

function preparse(world: World, service: WorldService): void {
  const staticPolicies = policiesOf(world, service).flatMap(statements).join('\n');
  const answer = preparsePolicySet(service.id, { staticPolicies });
  if (answer.type === 'failure') throw new Error(JSON.stringify(answer.errors));
}

function statements({ action, rules }: WorldPolicy): string[] {
  const effect = action === 'ALLOW' ? 'permit' : 'forbid';
  return rules.map((rule) => `${effect} (${scope(rule)}, resource) when { ${conditions(rule).join(' && ')} };`);
}

function scope({ principals = [], methods }: WorldRule): string {
  const [only] = principals;
  const isOne = principals.length === 1 && only !== undefined && !only.includes('*');
  const principal = isOne ? `principal == Caller::${quoted(only)}` : 'principal';
  const action =
    methods === undefined ? 'action' : `action in [${methods.map((each) => `Action::"${each}"`).join(', ')}]`;
  return `${principal}, ${action}`;
}

function conditions({ principals = [], namespaces, paths }: WorldRule): string[] {
  const wild = principals.filter((value) => value.includes('*'));
  const named = principals.filter((value) => !value.includes('*'));
  const callers = [
    ...(named.length + wild.length > 1
      ? [`[${named.map((value) => `Caller::${quoted(value)}`).join(', ')}].contains(principal)`]
      : []),
    ...wild.map((value) => `context.caller like ${quoted(value)}`),
  ];
  return [
    ...(callers.length === 0 ? [] : [any(callers)]),
    ...(namespaces === undefined
      ? []
      : [any(namespaces.map((namespace) => `context.caller like "*/ns/${namespace}/*"`))]),
    any(paths.map(pathCondition)),
  ];
}

/** Cedar's `*` crosses slashes; a template's does not. */
function pathCondition(path: string): string {
  const [head = '', tail] = path.split('{*}');
  if (tail === undefined) {
    return path.endsWith('*') ? `context.path like ${quoted(path)}` : `context.path == ${quoted(path)}`;
  }
  const like = (pattern: string): string => `context.path like ${quoted(pattern)}`;
  return `(${like(`${head}*${tail}`)} && !(${like(`${head}*/*${tail}`)}) && context.path != ${quoted(`${head}${tail}`)})`;
}

function any(tests: readonly string[]): string {
  return `(${tests.join(' || ')})`;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
