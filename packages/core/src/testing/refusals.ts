import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDocuments } from '../documents.ts';
import { describeProblem, parseResource, type ResourceProblem } from '../index.ts';

/** A resource with one mistake: what it is, the resource, the field that is named, and what the message says. */
export type Refusal = readonly [fact: string, json: unknown, field: string, message: RegExp];

/** One test a case: exactly this mistake is found, at exactly this field. */
export function refusesEach(refusals: readonly Refusal[]): void {
  for (const [fact, json, field, message] of refusals) {
    test(`refuses ${fact}`, () => {
      const parsed = parseResource(json);
      assert.ok(!parsed.ok);
      assertOnly(parsed.problem, 'error', { field, message });
    });
  }
}

/** One test a case: the resource is accepted, with exactly this warning, at a place in its text. */
export function warnsOfEach(warnings: readonly Refusal[]): void {
  for (const [fact, json, field, message] of warnings) {
    test(`warns of ${fact}`, () => {
      const problems = problemsOf(json);
      assertOnly(problems, 'error', undefined);
      assertOnly(problems, 'warning', { field, message });
      for (const { file, line, column } of problems) assert.ok(file === 'a.yaml' && line >= 1 && column >= 1);
    });
  }
}

/** One test a case: nothing is said against the resource. */
export function acceptsEach(resources: readonly (readonly [fact: string, json: unknown])[]): void {
  for (const [fact, json] of resources) {
    test(`accepts ${fact}`, () => {
      assert.deepEqual(problemsOf(json).map(describeProblem), []);
    });
  }
}

function problemsOf(json: unknown): ResourceProblem[] {
  return parseDocuments(JSON.stringify(json, undefined, 2), { file: 'a.yaml' }).problems;
}

function assertOnly(
  problems: readonly ResourceProblem[],
  severity: ResourceProblem['severity'],
  expected: { readonly field: string; readonly message: RegExp } | undefined,
): void {
  const found = problems.filter((problem) => problem.severity === severity);
  assert.deepEqual(
    found.map(({ field, message }) => (expected?.message.test(message) === true ? field : `${field}: ${message}`)),
    expected === undefined ? [] : [expected.field],
  );
}
