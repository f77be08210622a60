import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseRegex, replacementProblem, type Regex } from './regex.ts';

function regexOf(text: string): Regex {
  const parsed = parseRegex(text);
  assert.ok(parsed.ok, text);
  return parsed.value;
}

const cases: readonly (readonly [rule: string, regex: string, text: string, matches: boolean])[] = [
  ['the whole text must match', 'b', 'abc', false],
  ['anchors change nothing', '^abc$', 'abc', true],
  ['alternatives count as a whole', 'a|ab', 'ab', true],
  ['a dot is no line break', 'a.b', 'a\nb', false],
  ['case may be left out of account', '(?i)ABC', 'abc', true],
  ['classes of RE2', '[[:digit:]]+', '123', true],
  ['letters by Unicode', String.raw`\pL+`, 'äß', true],
];
for (const [rule, regex, text, matches] of cases) {
  test(`RE2: ${rule}`, () => assert.equal(regexOf(regex).matches(text), matches));
}

const refused: readonly (readonly [what: string, regex: string])[] = [
  ['back references', String.raw`(a)\1`],
  ['look-ahead', 'a(?=b)'],
  ['look-behind', '(?<!a)b'],
  ['what is not closed', '(a'],
  ['a count without end', 'a{1001}'],
  ['more than 1024 characters', 'a'.repeat(1025)],
];
for (const [what, regex] of refused) test(`refuses ${what}`, () => assert.equal(parseRegex(regex).ok, false));

test('an expression that keeps others busy for ages is as quick as any', () => {
  for (const regex of ['(a+)+', '(a|aa)*', '(.*)(.*)(.*)(.*)x']) {
    assert.equal(regexOf(regex).matches(`${'a'.repeat(5000)}!`), false);
  }
});

/** Expressions that mean the same to RE2 and to JavaScript. */
const simple = fc
  .array(
    fc.tuple(
      fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '(a|b)', '(?:ab)', String.raw`\d`, '/'),
      fc.constantFrom('', '*', '+', '?', '{1,2}'),
    ),
    { maxLength: 5 },
  )
  .map((parts) => parts.map((part) => part.join('')).join(''));

test('agrees with JavaScript where both mean the same', () => {
  fc.assert(
    fc.property(simple, fc.string({ unit: fc.constantFrom('a', 'b', '1', '/'), maxLength: 8 }), (regex, text) => {
      assert.equal(regexOf(regex).matches(text), new RegExp(`^(?:${regex})$`, 'u').test(text));
      assert.equal(
        regexOf(`x${regex}`).replace(`-x${text}`, '[]'),
        `-x${text}`.replaceAll(new RegExp(`x${regex}`, 'gu'), '[]'),
      );
    }),
  );
});

test('groups stand in replacements, and nothing else does', () => {
  const regex = regexOf('/(a+)/(b+)?');
  assert.equal(regex.replace('/aa/bb', String.raw`/\2/\1`), '/bb/aa');
  assert.equal(regex.replace('/aa/', String.raw`[\0|\1|\2]`), '[/aa/|aa|]');
  assert.equal(regex.replace('/a/b', String.raw`$1$& \\`), String.raw`$1$& \ `.trimEnd());
  assert.equal(replacementProblem(String.raw`\2`, '/(a+)/(b+)?'), undefined);
  assert.match(replacementProblem(String.raw`\3`, '/(a+)/(b+)?') ?? '', /the expression has 2/);
  assert.match(replacementProblem(String.raw`\n`, 'a') ?? '', /only before a digit/);
});
