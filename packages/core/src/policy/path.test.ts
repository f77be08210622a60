import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizePath, pathOf, type PathNormalization } from '../index.ts';

const MODES: readonly PathNormalization[] = ['NONE', 'BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES'];

/** What each mode makes of a path, in the order of MODES. */
const cases: readonly [fact: string, raw: string, none: string, base: string, merge: string, decode: string][] = [
  ['an ordinary path stays', '/api/v1/orders', '/api/v1/orders', '/api/v1/orders', '/api/v1/orders', '/api/v1/orders'],
  ['a dot segment goes', '/a/./b', '/a/./b', '/a/b', '/a/b', '/a/b'],
  ['a double dot takes its parent along', '/a/../b', '/a/../b', '/b', '/b', '/b'],
  ['the root has no parent', '/../../b', '/../../b', '/b', '/b', '/b'],
  ['a dot at the end leaves the slash', '/a/.', '/a/.', '/a/', '/a/', '/a/'],
  ['a double dot at the end leaves the slash', '/a/b/..', '/a/b/..', '/a/', '/a/', '/a/'],
  ['three dots are a name', '/a/.../b', '/a/.../b', '/a/.../b', '/a/.../b', '/a/.../b'],
  ['a backslash is a slash', '/a\\..\\b', '/a\\..\\b', '/b', '/b', '/b'],
  ['escaped dots are dots', '/a/%2e%2E/b', '/a/%2e%2E/b', '/b', '/b', '/b'],
  [
    'escaped letters, digits, - _ ~ are decoded',
    '/%61%41%30%2d%5f%7e',
    '/%61%41%30%2d%5f%7e',
    '/aA0-_~',
    '/aA0-_~',
    '/aA0-_~',
  ],
  ['an escape decoded keeps its neighbours', '/%41%2F%42', '/%41%2F%42', '/A%2FB', '/A%2FB', '/A/B'],
  ['slashes that decoding brings are merged', '/a%2F%2f/b', '/a%2F%2f/b', '/a%2F%2f/b', '/a%2F%2f/b', '/a/b'],
  ['mixed slashes are one', '/a\\/%5C//b', '/a\\/%5C//b', '/a//%5C//b', '/a/%5C/b', '/a/b'],
  ['a way up through escaped slashes and dots', '/a/%2e%2e%2fb', '/a/%2e%2e%2fb', '/a/..%2fb', '/a/..%2fb', '/b'],
  ['a slash that is escaped twice stays', '/a%252fb', '/a%252fb', '/a%252fb', '/a%252fb', '/a%252fb'],
  ['parameters are no dot segment', '/a/..;/b', '/a/..;/b', '/a/..;/b', '/a/..;/b', '/a/..;/b'],
  ['case of escapes that stay is kept', '/%c3%A9', '/%c3%A9', '/%c3%A9', '/%c3%A9', '/%c3%A9'],
  ['dot segments go before slashes are merged', '/a//../b', '/a//../b', '/a/b', '/a/b', '/a/b'],
  ['other escapes stay', '/a%20b%3F', '/a%20b%3F', '/a%20b%3F', '/a%20b%3F', '/a%20b%3F'],
  ['an escaped slash is a slash only where asked', '/a%2Fb', '/a%2Fb', '/a%2Fb', '/a%2Fb', '/a/b'],
  ['an escaped backslash is a slash only where asked', '/a%5cb', '/a%5cb', '/a%5cb', '/a%5cb', '/a/b'],
  ['double slashes are merged only where asked', '/a//b', '/a//b', '/a//b', '/a/b', '/a/b'],
  [
    'an escaped way up is one only where slashes are decoded',
    '/a%2f..%2fb',
    '/a%2f..%2fb',
    '/a%2f..%2fb',
    '/a%2f..%2fb',
    '/b',
  ],
  ['nothing is decoded twice', '/%252e%252e/a', '/%252e%252e/a', '/%252e%252e/a', '/%252e%252e/a', '/%252e%252e/a'],
  ['decoding never completes another escape', '/%%32e', '/%%32e', '/%%32e', '/%%32e', '/%%32e'],
  ['a percent sign that escapes nothing stays', '/100%', '/100%', '/100%', '/100%', '/100%'],
  ['parameters and case stay', '/A;b=../c', '/A;b=../c', '/A;b=../c', '/A;b=../c', '/A;b=../c'],
  [
    'the query stays as it is',
    '/a?x=/../%61//',
    '/a?x=/../%61//',
    '/a?x=/../%61//',
    '/a?x=/../%61//',
    '/a?x=/../%61//',
  ],
  ['a path before a query is changed alone', '/a/../b?/../c', '/a/../b?/../c', '/b?/../c', '/b?/../c', '/b?/../c'],
  ['the asterisk form stays', '*', '*', '*', '*', '*'],
];

for (const [fact, raw, ...expected] of cases) {
  test(fact, () => {
    const results = MODES.map((mode) => normalizePath(raw, mode));
    assert.deepEqual(
      results.map((result) => (result.ok ? result.value : undefined)),
      expected,
    );
  });
}

const refused: readonly [what: string, raw: string, problem: RegExp][] = [
  ['an escaped NUL', '/a%00', /NUL/],
  ['an escaped NUL before a query', '/%00?a', /NUL/],
  ['a NUL', '/a\0', /NUL/],
  ['a letter beyond ASCII', '/café', /visible ASCII/],
  ['a byte beyond ASCII', '/caf\u00e9', /visible ASCII/],
  ['such a byte in the query', '/a?b=\u0080', /visible ASCII/],
  ['a space', '/a b', /visible ASCII/],
  ['a control character in the query', '/a?b\t', /visible ASCII/],
  ['a DEL', '/a\x7f', /visible ASCII/],
  ['a fragment', '/a#b', /fragment/],
  ['an absolute form', 'http://orders-api/a', /starts with/],
  ['an authority form', 'orders-api:443', /starts with/],
  ['nothing', '', /starts with/],
];

for (const [what, raw, problem] of refused) {
  test(`${what} is refused in every mode`, () => {
    for (const mode of MODES) {
      const result = normalizePath(raw, mode);
      assert.ok(!result.ok);
      assert.match(result.problem, problem);
    }
  });
}

test('an escaped NUL in the query is the service’s own business', () => {
  assert.deepEqual(normalizePath('/a?b=%00#c'), { ok: true, value: '/a?b=%00#c' });
});

test('BASE is the mode when none is named', () => {
  assert.deepEqual(normalizePath('/a//../b'), normalizePath('/a//../b', 'BASE'));
});

test('the path of a target is what stands before the query', () => {
  assert.deepEqual(['/a?b?c', '/a', '*', '/?'].map(pathOf), ['/a', '/a', '*', '/']);
});

const piece = fc.constantFrom(
  '/',
  '.',
  '..',
  '\\',
  '%',
  '%2',
  '%2e',
  '%2E',
  '%2f',
  '%5c',
  '%25',
  '%32',
  '%41',
  '%61',
  '%6',
  '2',
  'e',
  'f',
  'a',
  '//',
  '?',
  ';',
);
const target = fc.oneof(
  fc.array(piece, { maxLength: 24 }).map((parts) => `/${parts.join('')}`),
  fc.string().map((text) => `/${text}`),
);

test('a second pass changes nothing, in any mode', () => {
  fc.assert(
    fc.property(target, fc.constantFrom(...MODES), (raw, mode) => {
      const once = normalizePath(raw, mode);
      if (once.ok) assert.deepEqual(normalizePath(once.value, mode), once);
    }),
    { numRuns: 5000 },
  );
});

test('no dot segment and no backslash is left in a path', () => {
  fc.assert(
    fc.property(target, (raw) => {
      const result = normalizePath(raw);
      if (!result.ok) return;
      assert.doesNotMatch(pathOf(result.value), /\\|\/\.\.?(?:\/|$)/);
    }),
    { numRuns: 5000 },
  );
});

test('the time for a path grows as its length does', () => {
  for (const part of ['%%34', '%41', '/a/..', '//%2e', '\\..']) {
    const raw = `/${part.repeat(1_000_000 / part.length)}`;
    const start = performance.now();
    for (const mode of MODES) normalizePath(raw, mode);
    assert.ok(performance.now() - start < 10_000, part);
  }
});
