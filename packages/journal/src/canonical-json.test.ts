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
    ['a big integer', 1n],
  ];
  for (const [what, value] of unsayable) {
    it(`${what} cannot be said`, () =>
      assert.throws(() => canonicalJson(value as JsonValue), { code: 'INVALID_ARGUMENT' }));
  }
});
