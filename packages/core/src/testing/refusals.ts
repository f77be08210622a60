import { parseDocuments } from '../documents.ts';
import { describeProblem, parseResource, type ResourceProblem } from '../index.ts';

/** A resource with one thing to be said of it: what it is, the resource, the field that is named, and what the message says. */
export type Refusal = readonly [fact: string, json: unknown, field: string, message: RegExp];

/** Throws unless exactly this mistake is found, at exactly this field. */
export function expectRefusal([, json, field, message]: Refusal): void {
  const parsed = parseResource(json);
  expectOnly(parsed.ok ? [] : parsed.problem, 'error', { field, message });
}

/** Throws unless the resource is accepted with exactly this warning, at a place in its text. */
export function expectWarning([, json, field, message]: Refusal): void {
  const problems = problemsOf(json);
  expectOnly(problems, 'error', undefined);
  expectOnly(problems, 'warning', { field, message });
  for (const problem of problems) {
    if (problem.line < 1 || problem.column < 1) throw new Error(`${describeProblem(problem)} has no place`);
  }
}

/** Throws when anything is said of the resource. */
export function expectSilence(json: unknown): void {
  expectOnly(problemsOf(json), 'error', undefined);
  expectOnly(problemsOf(json), 'warning', undefined);
}

function problemsOf(json: unknown): ResourceProblem[] {
  return parseDocuments(JSON.stringify(json, undefined, 2), { file: 'a.yaml' }).problems;
}

function expectOnly(
  problems: readonly ResourceProblem[],
  severity: ResourceProblem['severity'],
  expected: { readonly field: string; readonly message: RegExp } | undefined,
): void {
  const found = problems.filter((problem) => problem.severity === severity);
  const [first] = found;
  if (expected === undefined && first === undefined) return;
  const isExpected =
    found.length === 1 && first?.field === expected?.field && expected?.message.test(first?.message ?? '') === true;
  if (isExpected) return;
  const wanted =
    expected === undefined ? `no ${severity}` : `${severity} at ${expected.field} ${String(expected.message)}`;
  throw new Error(`expected ${wanted}, found: ${found.map(describeProblem).join('; ') || 'nothing'}`);
}
