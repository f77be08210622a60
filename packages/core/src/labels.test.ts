import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesLabels } from './index.ts';

const cases: readonly [
  fact: string,
  selector: Record<string, string> | undefined,
  labels: Record<string, string>,
  expected: boolean,
][] = [
  ['no selector selects all', undefined, { app: 'a' }, true],
  ['an empty selector selects all', {}, { app: 'a' }, true],
  ['a label must be there', { app: 'a' }, {}, false],
  ['a label must have the value', { app: 'a' }, { app: 'b' }, false],
  ['more labels than the selector are fine', { app: 'a' }, { app: 'a', tier: 'b' }, true],
  ['every label of the selector counts', { app: 'a', tier: 'x' }, { app: 'a', tier: 'b' }, false],
  ['an empty value is a value', { app: '' }, {}, false],
  ['names of the language are plain names', { toString: 'a' }, {}, false],
];

for (const [fact, selector, labels, expected] of cases) {
  test(fact, () => assert.equal(matchesLabels(selector, labels), expected));
}
