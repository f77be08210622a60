import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseResource } from '../index.ts';
import { policy } from '../testing/resource-json.ts';

function nested(depth: number): unknown {
  let value: unknown = [];
  for (let level = 1; level < depth; level += 1) value = [value];
  return value;
}

function problemsOf(json: unknown): string[] {
  const parsed = parseResource(json);
  return parsed.ok ? [] : parsed.problem.map(({ code, field, message }) => `${code} ${field}: ${message}`);
}

test('a value 64 levels deep is read, one that is deeper is refused before it is', () => {
  const status = (depth: number): unknown => ({ ...policy({}), status: nested(depth - 1) });
  assert.deepEqual(problemsOf(status(64)), []);
  assert.deepEqual(problemsOf(status(65)), ['DOCUMENT_TOO_LARGE : is nested more than 64 levels deep']);
  assert.deepEqual(problemsOf(status(100_000)), ['DOCUMENT_TOO_LARGE : is nested more than 64 levels deep']);
});

test('a value that holds itself is refused', () => {
  const own: Record<string, unknown> = policy({});
  own['status'] = own;
  assert.deepEqual(problemsOf(own), ['DOCUMENT_TOO_LARGE : is nested more than 64 levels deep']);
  const many: unknown[] = [];
  for (let count = 0; count < 100; count += 1) many.push(many);
  assert.deepEqual(problemsOf(many), ['DOCUMENT_TOO_LARGE : holds more than 150000 values']);
});

test('a value of more than 150,000 values is refused', () => {
  const rules = Array.from({ length: 150_000 }, () => null);
  assert.deepEqual(problemsOf(policy({ rules })), ['DOCUMENT_TOO_LARGE : holds more than 150000 values']);
});

test('a thousand problems are listed, the rest is counted', () => {
  const found = problemsOf(policy({ rules: Array.from({ length: 1500 }, () => null) }));
  assert.equal(found.length, 1001);
  assert.equal(found.at(-1), 'INVALID_RESOURCE : 501 further problems are not listed: repair these first');
});

test('each value of a resource is looked at a bounded number of times', () => {
  const work = (values: number): number => {
    let looks = 0;
    const count = <T extends object>(target: T): T =>
      new Proxy(target, {
        get: (on, key, self): unknown => {
          looks += 1;
          const value: unknown = Reflect.get(on, key, self);
          return typeof value === 'object' && value !== null ? count(value) : value;
        },
      });
    const principals = Array.from({ length: values }, () => '*a*');
    parseResource(count(policy({ rules: [{ from: [{ source: { principals, bad: principals } }] }] })));
    return looks;
  };
  const small = work(1000);
  assert.ok(work(4000) <= 4 * small, `${work(4000)} looks at four times what took ${small}`);
});
