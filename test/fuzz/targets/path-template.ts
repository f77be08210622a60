import assert from 'node:assert/strict';

import { matchesTemplate, parsePathPattern } from '../../../packages/core/src/policy/match/path-template.ts';
import { outcome, textOf, type FuzzTarget } from '../engine/target.ts';

/** A value of `paths` and a path to hold against it, on two lines. */
export const pathTemplate: FuzzTarget = {
  name: 'path-template',
  form: 'text',
  seeds: [
    '/a/{*}/b\n/a/x/b',
    '/a/{**}\n/a/',
    '/s/{**}/cart\n/s//cart',
    '/{*}/{*}/{**}/x/y\n/a/b/c/x/y',
    '/a/*\n/a/b',
    '/{x}\n/a',
    '/{*}.txt\n/a.txt',
    '/foo/{*}/bar/{**}\n/foo//bar/x',
  ],
  words: ['{*}', '{**}', '/', '//', '/{*}', '/{**}', '{', '}', '*', '\n', '%2F', '\u0000', '.'],
  run: (input) => {
    const [pattern = '', path = ''] = textOf(input).split('\n');
    const parsed = parsePathPattern(pattern);
    if (!parsed.ok) return outcome(parsed.problem);
    if (parsed.value === undefined) return 'plain';
    const matched = matchesTemplate(parsed.value, path);
    if (pattern.length + path.length < 400) {
      assert.equal(matched, isMatch(pattern.split(/(\{\*{1,2}\})/), path), `${pattern} against ${path}`);
    }
    return `template ${matched}`;
  },
};

/** Istio's truth table, read plainly: `{*}` is one or more characters that are no slash, `{**}` any run of characters. */
function isMatch([literal = '', operator, ...rest]: readonly string[], path: string): boolean {
  if (!path.startsWith(literal)) return false;
  const left = path.slice(literal.length);
  if (operator === undefined) return left === '';
  const shortest = operator === '{*}' ? 1 : 0;
  for (let length = shortest; length <= left.length; length += 1) {
    if (operator === '{*}' && left[length - 1] === '/') return false;
    if (isMatch(rest, left.slice(length))) return true;
  }
  return false;
}
