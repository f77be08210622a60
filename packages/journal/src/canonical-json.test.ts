import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { canonicalJson } from './canonical-json.ts';
import type { JsonValue } from './canonical-json.ts';

const RULES: readonly { rule: string; value: JsonValue; text: string }[] = [
  { rule: 'keys are sorted at every depth', value: { b: { d: 1, c: 2 }, a: [] }, text: '{"a":[],"b":{"c":2,"d":1}}' },
  {
    rule: 'keys are sorted by UTF-16 code units',
    value: { '€': 1, '\r': 2, '\ufb33': 3, '1': 4, '😀': 5 },
    text: '{"\\r":2,"1":4,"€":1,"😀":5,"\ufb33":3}',
  },
  { rule: 'there is no white space', value: [1, { a: null }, true], text: '[1,{"a":null},true]' },
  {
    rule: 'numbers are printed as ECMAScript prints them',
    value: [1e30, 4.5, 2e-3, 1e-27, -0],
    text: '[1e+30,4.5,0.002,1e-27,0]',
  },
  { rule: 'a key that would print its object otherwise is a key', value: { toJSON: 'x' }, text: '{"toJSON":"x"}' },
  { rule: 'control characters are escaped', value: '\u0000\n"\\', text: '"\\u0000\\n\\"\\\\"' },
];

describe('RFC 8785: canonical JSON', () => {
  for (const { rule, value, text } of RULES) it(rule, () => assert.equal(canonicalJson(value), text));

  it('says the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const plain = JSON.parse(JSON.stringify(value)) as JsonValue;
        assert.deepEqual(JSON.parse(canonicalJson(plain)), plain);
      }),
    );
  });

  it('is what the rules say, whatever the order in which keys were set', () => {
    const key = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('1', '10', '2', '__proto__', 'toJSON', 'a'));
    const json = fc.letrec<{ value: JsonValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.oneof(
          fc.string({ unit: 'grapheme' }),
          fc.double({ noNaN: true, noDefaultInfinity: true }),
          fc.constant(null),
        ),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.array(fc.tuple(key, tie('value')), { maxLength: 6 }).map((pairs) => Object.fromEntries(pairs)),
      ),
    })).value;
    fc.assert(
      fc.property(json, (value) => assert.equal(canonicalJson(value), byTheRules(value))),
      { numRuns: 500 },
    );
  });

  it('is the same text for any order of keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.integer(), { noNullPrototype: true }), (value) => {
        const turned = Object.fromEntries(Object.entries(value).toReversed());
        assert.equal(canonicalJson(turned), canonicalJson(value));
      }),
    );
  });

  const unsayable: readonly [string, unknown][] = [
    ['undefined', { a: undefined }],
    ['infinity', [Infinity]],
    ['a lone surrogate', '\ud800'],
    ['a date', new Date(0)],
    ['a function', () => 1],
    ['an object that prints itself otherwise', { toJSON: () => 'x' }],
    ['a hole in a list', Object.assign([], { length: 2 })],
    ['a big integer', 1n],
  ];
  for (const [what, value] of unsayable) {
    it(`${what} cannot be said`, () =>
      assert.throws(() => canonicalJson(value as JsonValue), { code: 'INVALID_ARGUMENT' }));
  }
});

function byTheRules(value: JsonValue): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item: JsonValue) => byTheRules(item)).join(',')}]`;
  const pairs = Object.entries(value as { readonly [key: string]: JsonValue });
  const sorted = pairs.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, item]) => `${JSON.stringify(key)}:${byTheRules(item)}`).join(',')}}`;
}
