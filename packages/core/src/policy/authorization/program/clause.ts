import type { RequestAttributes } from '../../attributes.ts';
import type { PathPattern } from '../../match/path-pattern.ts';
import { EVERY_METHOD } from './methods.ts';

/** What of a rule one request is held against: one path pattern, some methods and whatever else it asks. */
export interface Clause<Outcome> {
  /** Place of its rule among all of the same action: of several that match, the first counts. */
  readonly order: number;
  /** Bits of the methods it takes, see {@link EVERY_METHOD}. */
  readonly methods: number;
  readonly path: PathPattern;
  /** All of these have to hold besides. */
  readonly tests: readonly RequestTest[];
  readonly outcome: Outcome;
}

export type RequestTest = (request: RequestAttributes) => boolean;

export const ANY_PATH: PathPattern = { form: 'any', text: '', rest: undefined };

export function isUnconditional({ methods, path, tests }: Clause<unknown>): boolean {
  return methods === EVERY_METHOD && path === ANY_PATH && tests.length === 0;
}

/** Whether the request, whose path is known to begin or end as the clause asks, is all that it asks for. */
export function holdsBesidesPath(clause: Clause<unknown>, method: number, request: RequestAttributes): boolean {
  if ((clause.methods & method) === 0) return false;
  const { tests } = clause;
  for (let index = 0; index < tests.length; index += 1) if (tests[index]?.(request) === false) return false;
  return clause.path.rest === undefined || clause.path.rest(request.path);
}

export function holds(clause: Clause<unknown>, method: number, request: RequestAttributes): boolean {
  return (
    (clause.methods & method) !== 0 && isAt(clause.path, request.path) && holdsBesidesPath(clause, method, request)
  );
}

function isAt({ form, text }: PathPattern, path: string): boolean {
  switch (form) {
    case 'exact':
      return path === text;
    case 'prefix':
      return path.startsWith(text);
    case 'suffix':
      return path.endsWith(text);
    case 'any':
      return true;
  }
}
