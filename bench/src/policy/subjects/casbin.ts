import { newEnforcer, newModelFromString, type Enforcer } from 'casbin';

import type { Decider } from '../decider.ts';
import { policiesOf, type World, type WorldRule, type WorldService } from '../world.ts';

/** DENY lines come first, and the first line that matches decides: Casbin then stops, where other effects read every line. */
const MODEL = `
[request_definition]
r = caller, method, path
[policy_definition]
p = callers, methods, paths, eft
[policy_effect]
e = priority(p.eft) || deny
[matchers]
m = isCaller(r.caller, p.callers) && isMethod(r.method, p.methods) && isPath(r.path, p.paths)
`;

/** Casbin with an enforcer for each service, its synchronous call, and matching functions compiled once for each list of values. */
export const casbin: Decider = {
  name: 'casbin',
  prepare: async (world) => {
    const enforcers = new Map<string, Enforcer>();
    for (const service of world.services) enforcers.set(service.id, await enforcerFor(world, service));
    return ({ service, caller, method, path }) =>
      enforcers.get(service)?.enforceSync(caller, method, path) ?? unknown(service);
  },
};

async function enforcerFor(world: World, service: WorldService): Promise<Enforcer> {
  const policies = policiesOf(world, service);
  const lines = ['DENY', 'ALLOW'].flatMap((action) =>
    policies
      .filter((policy) => policy.action === action)
      .flatMap(({ rules }) => rules.map((rule) => line(rule, action))),
  );
  const enforcer = await newEnforcer(newModelFromString(MODEL));
  await enforcer.addFunction('isCaller', compiled(callerTest));
  await enforcer.addFunction(
    'isMethod',
    compiled((value) => (value === '*' ? () => true : (text) => text === value)),
  );
  await enforcer.addFunction('isPath', compiled(pathTest));
  await enforcer.addPolicies(lines);
  return enforcer;
}

function line({ principals = [], namespaces = [], methods = ['*'], paths }: WorldRule, action: string): string[] {
  const callers = [...principals, ...namespaces.map((namespace) => `/ns/${namespace}/`)];
  return [callers.join('|'), methods.join('|'), paths.join('|'), action.toLowerCase()];
}

type TextTest = (text: string) => boolean;

/** A list of values is compiled when it is first met. */
function compiled(compile: (value: string) => TextTest): (text: string, list: string) => boolean {
  const lists = new Map<string, readonly TextTest[]>();
  return (text, list) => {
    let tests = lists.get(list);
    if (tests === undefined) {
      tests = list.split('|').map(compile);
      lists.set(list, tests);
    }
    for (const test of tests) if (test(text)) return true;
    return false;
  };
}

function callerTest(value: string): TextTest {
  if (value.startsWith('/ns/')) return (caller) => caller.includes(value);
  if (value.startsWith('*')) return (caller) => caller.endsWith(value.slice(1));
  return pathTest(value);
}

function pathTest(value: string): TextTest {
  const [head = '', tail] = value.split('{*}');
  if (tail !== undefined) {
    return (path) =>
      path.startsWith(head) &&
      path.endsWith(tail) &&
      path.length > head.length + tail.length &&
      !path.slice(head.length, path.length - tail.length).includes('/');
  }
  if (!value.endsWith('*')) return (text) => text === value;
  const prefix = value.slice(0, -1);
  return (text) => text.startsWith(prefix);
}

function unknown(service: string): never {
  throw new Error(`there is no service ${service}`);
}
