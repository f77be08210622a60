import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesTemplate, parsePathPattern } from './path-template.ts';

/** The first rows are Istio's own truth table (`TestAuthz_PathTemplating`). */
const cases: readonly [template: string, path: string, expected: boolean][] = [
  ['/allow/admin/{**}', '/allow/admin/', true],
  ['/allow/admin/{**}', '/allow/admin', false],
  ['/allow/admin/{**}', '/allow/admin/a/b.txt', true],
  ['/foo/{*}/bar/{**}', '/foo//bar/x', false],
  ['/foo/{*}/bar/{**}', '/foo/a/bar/x/y', true],
  ['/store/{**}/cart', '/store//cart', true],
  ['/store/{**}/cart', '/store/cart', false],
  ['/store/{**}/cart', '/store/a/b/cart', true],
  ['/store/{**}/cart', '/store/a/b/cart/x', false],
  ['/store/{**}/cart', '/store/cart/', false],
  ['/{*}', '/a', true],
  ['/{*}', '/', false],
  ['/{*}', '/a/', false],
  ['/{*}', '/a/b', false],
  ['/{*}/', '/a/', true],
  ['/{*}/', '/a', false],
  ['/{**}', '/', true],
  ['/{**}', '/a/b', true],
  ['/{**}', '', false],
  ['/a/{*}/c', '/a/b/c', true],
  ['/a/{*}/c', '/a/b/d', false],
  ['/a/{*}/c', '/ab/b/c', false],
  ['/a/{*}/c', '/a/b/cd', false],
  ['/a/{*}/{*}', '/a/b', false],
  ['/a/{**}/', '/a/b/', true],
  ['/a/{**}/', '/a/', false],
  ['/a/{**}/', '/a//', true],
];

for (const [template, path, expected] of cases) {
  test(`${template} ${expected ? 'matches' : 'does not match'} ${JSON.stringify(path)}`, () => {
    const parsed = parsePathPattern(template);
    assert.ok(parsed.ok && parsed.value !== undefined);
    assert.equal(matchesTemplate(parsed.value, path), expected);
  });
}

test('a value without operator is no template', () => {
  for (const value of ['/a', '/a/*', '*/a', '*'])
    assert.deepEqual(parsePathPattern(value), { ok: true, value: undefined });
});
