import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { compareLines, unifiedHunks } from './unified-diff.ts';

const lines = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 30 });

/** Length of the longest common subsequence, by the textbook. */
function common(one: readonly string[], other: readonly string[]): number {
  const table = Array.from({ length: one.length + 1 }, () => Array.from({ length: other.length + 1 }, () => 0));
  for (let i = 1; i <= one.length; i += 1)
    for (let j = 1; j <= other.length; j += 1) {
      const row = table[i] ?? [];
      const above = table[i - 1] ?? [];
      row[j] = one[i - 1] === other[j - 1] ? (above[j - 1] ?? 0) + 1 : Math.max(above[j] ?? 0, row[j - 1] ?? 0);
    }
  return table[one.length]?.[other.length] ?? 0;
}

suite('a comparison', () => {
  test('holds both texts, whatever they are, with as few differences as possible', () => {
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        const compared = compareLines(before, after);
        assert.deepEqual(
          compared.filter(({ mark }) => mark !== '+').map(({ text }) => text),
          before,
        );
        assert.deepEqual(
          compared.filter(({ mark }) => mark !== '-').map(({ text }) => text),
          after,
        );
        assert.equal(compared.filter(({ mark }) => mark === ' ').length, common(before, after));
      }),
    );
  });

  test('of long texts with nothing in common ends soon', () => {
    const text = (prefix: string): string[] => Array.from({ length: 20_000 }, (_, index) => `${prefix}${index}`);
    assert.equal(compareLines(text('a'), text('b')).length, 40_000);
  });
});

suite('the unified format', () => {
  const CASES: readonly (readonly [string, string, string])[] = [
    ['abcdefghij', 'abcdefghij', ''],
    ['', 'ab', '@@ -0,0 +1,2 @@|+a|+b'],
    ['ab', '', '@@ -1,2 +0,0 @@|-a|-b'],
    ['abcdefghij', 'abcdeXghij', '@@ -3,7 +3,7 @@| c| d| e|-f|+X| g| h| i'],
    ['x', 'y', '@@ -1 +1 @@|-x|+y'],
    ['abcdefghijklmnop', 'Xbcdefghijklmnop!', '@@ -1,4 +1,4 @@|-a|+X| b| c| d|@@ -14,3 +14,4 @@| n| o| p|+!'],
  ];
  for (const [before, after, expected] of CASES) {
    test(`of ${before} and ${after}`, () => {
      assert.equal(unifiedHunks(Array.from(before), Array.from(after)).join('|'), expected);
    });
  }
});
