import type { RequestCheck } from '../checks/check.ts';
import { ANY_PATH, type Clause, type RequestTest } from './clause.ts';
import type { LiveParts } from './narrowing.ts';
import { EVERY_METHOD, methodBits } from './methods.ts';

/** Takes what is left of a rule apart into clauses: one for each operation and path pattern. */
export function clausesOf<Outcome>(
  parts: LiveParts,
  { order, outcome }: Pick<Clause<Outcome>, 'order' | 'outcome'>,
): Clause<Outcome>[] {
  const shared = [...anyGroup(parts.sources), ...testsOf(parts.conditions)];
  const operations = parts.operations.length === 0 ? [[]] : parts.operations;
  return operations.flatMap((checks) => {
    const { methods, paths, tests } = sorted(checks);
    const all = [...tests, ...shared];
    return paths.map((path) => ({ order, methods, path, tests: all, outcome }));
  });
}

/** A clause's parts that an index knows how to use, and the tests that are left. */
function sorted(checks: readonly RequestCheck[]): Pick<Clause<unknown>, 'methods' | 'tests'> & {
  readonly paths: readonly Clause<unknown>['path'][];
} {
  let methods = EVERY_METHOD;
  let paths: readonly Clause<unknown>['path'][] = [ANY_PATH];
  const tests: RequestTest[] = [];
  for (const check of checks) {
    const bits = check.methods === undefined ? undefined : methodBits(check.methods);
    if (bits !== undefined) methods = bits;
    else if (check.paths !== undefined) paths = check.paths;
    else tests.push(check.test);
  }
  return { methods, paths, tests };
}

function anyGroup(groups: readonly (readonly RequestCheck[])[]): RequestTest[] {
  const [first, ...others] = groups.map(testsOf);
  if (first === undefined) return [];
  if (others.length === 0) return first;
  const alternatives = [first, ...others];
  return [
    (request) => {
      for (const tests of alternatives) if (allHold(tests, request)) return true;
      return false;
    },
  ];
}

function allHold(tests: readonly RequestTest[], request: Parameters<RequestTest>[0]): boolean {
  for (const test of tests) if (!test(request)) return false;
  return true;
}

function testsOf(checks: readonly RequestCheck[]): RequestTest[] {
  return checks.map((check) => check.test);
}
