import type { RequestAttributes } from '../../attributes.ts';
import { isSegmentBetween, type PathPattern } from '../../match/path-pattern.ts';
import { EVERY_METHOD } from './methods.ts';

/**
 * What of a rule one request is held against: one path pattern, some methods and whatever else it asks. What is looked at
 * lies together, because memory is what a decision mostly waits for.
 */
export interface Clause<Outcome> {
  readonly form: PathPattern['form'];
  readonly text: string;
  readonly tail: string;
  /** All of these have to hold besides; undefined when there are none. */
  readonly tests: readonly RequestTest[] | undefined;
  readonly outcome: Outcome;
  /** Bits of the methods it takes, see `methodBit`. */
  readonly methods: number;
  /** Place of its rule among all: of several that match, the first counts. */
  readonly order: number;
}

export type RequestTest = (request: RequestAttributes) => boolean;

export function isUnconditional({ form, methods, tests }: Clause<unknown>): boolean {
  return methods === EVERY_METHOD && form === 'any' && tests === undefined;
}

/** Whether a request whose method the clause takes matches it. */
export function takes(clause: Clause<unknown>, request: RequestAttributes): boolean {
  return isAt(clause, request.path) && holdsBesides(clause, request);
}

/** Whether a request whose method the clause takes, and whose path begins, ends or is as its text says, matches it. */
export function holdsBesides({ form, text, tail, tests }: Clause<unknown>, request: RequestAttributes): boolean {
  if (form === 'segment' && !isSegmentBetween(request.path, text, tail)) return false;
  if (tests === undefined) return true;
  for (const test of tests) if (!test(request)) return false;
  return true;
}

function isAt({ form, text }: Clause<unknown>, path: string): boolean {
  switch (form) {
    case 'prefix':
    case 'segment':
      return path.startsWith(text);
    case 'exact':
      return path === text;
    case 'suffix':
      return path.endsWith(text);
    case 'any':
      return true;
  }
}

/** Whether a clause of this form asks how the path begins. */
export function isBeginning(form: PathPattern['form']): boolean {
  return form === 'prefix' || form === 'exact' || form === 'segment';
}

/** Which of two clauses counts, if both match. */
export function earlier<Outcome>(
  a: Clause<Outcome> | undefined,
  b: Clause<Outcome> | undefined,
): Clause<Outcome> | undefined {
  if (a === undefined) return b;
  return b === undefined || a.order <= b.order ? a : b;
}
