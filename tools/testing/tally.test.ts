import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Tally } from './tally.ts';
import type { TestOutcome } from './tally.ts';

function outcome(given: Partial<TestOutcome>): TestOutcome {
  return { name: 'a test', file: '/repo/a.test.ts', line: 3, details: { duration_ms: 5, type: 'test' }, ...given };
}

function failedWith(error: unknown, type = 'test'): Partial<TestOutcome> {
  return { details: { duration_ms: 5, type, error } };
}

test('a suite is not counted, its tests are', () => {
  const tally = new Tally('/repo');
  tally.add(outcome({}), true);
  tally.add(outcome({ details: { duration_ms: 5, type: 'suite' } }), true);
  assert.equal(tally.summary(), '1 passed, 0 failed, 0 skipped');
});

test('a failure shows its place and what was thrown', () => {
  const tally = new Tally('/repo');
  tally.add(outcome(failedWith(new Error('wrapped', { cause: 'two is not one' }))), false);
  assert.equal(tally.summary(), '0 passed, 1 failed, 0 skipped');
  assert.deepEqual(tally.failures, ['a.test.ts:3  a test\n    two is not one']);
});

test('a parent is not counted for the failures of its children', () => {
  const tally = new Tally('/repo');
  const error = Object.assign(new Error('1 subtest failed'), { failureType: 'subtestsFailed' });
  tally.add(outcome(failedWith(error, 'suite')), false);
  assert.equal(tally.summary(), '0 passed, 0 failed, 0 skipped');
});

test('a skip names its reason, and one without a reason fails', () => {
  const tally = new Tally('/repo');
  tally.add(outcome({ skip: 'needs Linux' }), true);
  tally.add(outcome({ skip: true }), true);
  assert.equal(tally.summary(), '0 passed, 1 failed, 1 skipped');
  assert.deepEqual(tally.skips, ['a.test.ts:3  a test: needs Linux']);
});

test('a file without a test fails', () => {
  const tally = new Tally('/repo');
  tally.add(outcome({ name: '/repo/a.test.ts' }), true);
  assert.deepEqual(tally.failures, ['a.test.ts\n    this file holds no test']);
});

test('slow tests are listed slowest first', () => {
  const tally = new Tally('/repo');
  for (const duration_ms of [900, 3000, 2000]) tally.add(outcome({ details: { duration_ms, type: 'test' } }), true);
  assert.deepEqual(tally.slowest(1000), ['3.0 s  a.test.ts:3  a test', '2.0 s  a.test.ts:3  a test']);
});
