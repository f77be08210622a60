import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planRuns } from './plan.ts';
import type { PlannedFile } from './plan.ts';

function file(path: string, seconds = 1, shares = true): PlannedFile {
  return { path, seconds, shares };
}

function filesOf(...files: PlannedFile[]): (readonly string[])[] {
  return planRuns(files).map((run) => run.files);
}

test('small files of a package share a process, in their order', () => {
  assert.deepEqual(filesOf(file('packages/a/x'), file('packages/b/x'), file('packages/a/y')), [
    ['packages/a/x', 'packages/a/y'],
    ['packages/b/x'],
  ]);
});

test('what may not share, and what takes long, has a process of its own', () => {
  const files = filesOf(file('packages/a/x'), file('packages/a/y', 2, false), file('packages/a/z', 20));
  assert.deepEqual(files, [['packages/a/z'], ['packages/a/y'], ['packages/a/x']]);
});

test('what takes longest is first', () => {
  const seconds = planRuns([file('test/x', 3, false), file('test/y', 30, false), file('packages/a/x')]);
  assert.deepEqual(
    seconds.map((run) => run.seconds),
    [30, 3, 1],
  );
});

test('a process takes in neither too many files nor too long ones, and no file is lost', () => {
  const many = planRuns(Array.from({ length: 45 }, (_, index) => file(`packages/a/${index}`, 0.1)));
  assert.deepEqual(
    many.map((run) => run.files.length),
    [20, 20, 5],
  );
  const long = planRuns(Array.from({ length: 6 }, (_, index) => file(`packages/a/${index}`, 4)));
  assert.deepEqual(
    long.map((run) => run.files.length),
    [2, 2, 2],
  );
  assert.equal(new Set([...many, ...long].flatMap((run) => run.files)).size, 45);
});
