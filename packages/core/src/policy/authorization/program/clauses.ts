import type { RequestCheck } from '../checks/check.ts';
import { BoundedCache } from '../../../bounded-cache.ts';
import type { PathPattern } from '../../match/path-pattern.ts';
import type { Clause, RequestTest } from './clause.ts';
import type { LiveParts } from './narrowing.ts';
import { EVERY_METHOD, methodBits } from './methods.ts';

/** Texts that are equal are kept once: the fewer there are, the nearer they stay to the processor. */
const TEXTS = new BoundedCache<string, string>(4096);

/** Takes what is left of a rule apart into clauses: one for each operation and path pattern. */
export function clausesOf<Outcome>(
  parts: LiveParts,
  { order, outcome }: Pick<Clause<Outcome>, 'order' | 'outcome'>,
): Clause<Outcome>[] {
  const shared = [...anyGroup(parts.sources), ...testsOf(parts.conditions)];
  const operations = parts.operations.length === 0 ? [[]] : parts.operations;
  return operations.flatMap((checks) => {
    const { methods, paths, tests } = sorted(checks);
    const common = [...tests, ...shared];
    return paths.map(({ form, text, tail, rest }) => {
      const all = rest === undefined ? common : [pathTest(rest), ...common];
      return {
        form,
        text: pooled(text),
        tail: pooled(tail),
        tests: all.length === 0 ? undefined : all,
        outcome,
        methods,
        order,
      };
    });
  });
}

function pooled(text: string): string {
  const known = TEXTS.get(text);
  if (known === undefined) TEXTS.set(text, text);
  return known ?? text;
}

function pathTest(rest: (path: string) => boolean): RequestTest {
  return (request) => rest(request.path);
}

interface Parts {
  readonly methods: number;
  readonly paths: readonly PathPattern[];
  readonly tests: readonly RequestTest[];
}

const ANY_PATH: PathPattern = { form: 'any', text: '', tail: '', rest: undefined };

/** A clause's parts that an index knows how to use, and the tests that are left. */
function sorted(checks: readonly RequestCheck[]): Parts {
  let methods = EVERY_METHOD;
  let paths: Parts['paths'] = [ANY_PATH];
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
