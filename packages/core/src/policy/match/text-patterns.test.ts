import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileGlob } from './glob.ts';
import { compileTextPatterns } from './text-patterns.ts';

const cases: readonly [fact: string, values: readonly string[], text: string, expected: boolean][] = [
  ['exact', ['abc'], 'abc', true],
  ['exact is case sensitive', ['abc'], 'Abc', false],
  ['exact is all of the text', ['abc'], 'abcd', false],
  ['prefix', ['abc*'], 'abcd', true],
  ['prefix of the text itself', ['abc*'], 'abc', true],
  ['prefix elsewhere', ['abc*'], 'xabc', false],
  ['suffix', ['*abc'], 'xabc', true],
  ['suffix of the text itself', ['*abc'], 'abc', true],
  ['suffix elsewhere', ['*abc'], 'abcx', false],
  ['presence', ['*'], 'x', true],
  ['presence of nothing', ['*'], '', false],
  ['a star at both ends is a suffix with a literal star', ['*abc*'], 'xabc*', true],
  ['a star at both ends is not "contains"', ['*abc*'], 'xabcx', false],
  ['a star inside is literal', ['a*c'], 'abc', false],
  ['a star inside is literal, and matches itself', ['a*c'], 'a*c', true],
  ['any value will do', ['x', 'abc*', '*z'], 'abz', true],
  ['many exact values', ['a', 'b', 'c', 'd', 'e', 'f'], 'f', true],
  ['many exact values, none', ['a', 'b', 'c', 'd', 'e', 'f'], 'g', false],
  ['many exact values and patterns', ['a', 'b', 'c', 'd', 'e', 'x*', '*y', 'z*'], 'zz', true],
  ['no value', [], 'a', false],
];

for (const [fact, values, text, expected] of cases) {
  test(`${fact}: ${JSON.stringify(values)} ${expected ? 'takes' : 'does not take'} ${JSON.stringify(text)}`, () => {
    assert.equal(compileTextPatterns(values, 'non-empty')(text), expected);
  });
}

test('presence may also take an empty text', () => {
  assert.ok(compileTextPatterns(['*'], 'any')(''));
});

test('a glob agrees with the regular expression of the same meaning', () => {
  const letters = fc.array(fc.constantFrom('a', 'b', '/', '*'), { maxLength: 8 }).map((parts) => parts.join(''));
  const text = fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 12 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(letters, text, (glob, subject) => {
      assert.equal(compileGlob(glob)(subject), new RegExp(`^${glob.replaceAll('*', '.*')}$`).test(subject));
    }),
    { numRuns: 5000 },
  );
});

test('a glob of many stars is matched in bounded time', { timeout: 5000 }, () => {
  assert.ok(!compileGlob(`${'a*'.repeat(500)}b`)('a'.repeat(100_000)));
});
