import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createFilter, type Item } from './filter.ts';

const SHAPE: Item = {
  Node: { Node: '', Meta: {} },
  Service: { Service: '', Port: 0, Tags: [''], Meta: {}, EnableTagOverride: false },
  Checks: [{ Status: '', Name: '' }],
};

const WEB: Item = {
  Node: { Node: 'ip-10-0-0-1', Meta: {} },
  Service: {
    Service: 'web',
    Port: 8080,
    Tags: ['v1', 'edge'],
    Meta: { version: '1.2', 'a.b': 'dotted' },
    EnableTagOverride: false,
  },
  Checks: [{ Status: 'passing', Name: 'http' }],
};

const HOLD = [
  'Service.Service == web',
  'Service.Service == "web"',
  'Service.Service == `web`',
  '"/Service/Service" == "web"',
  'Service.Service != "db"',
  'Service.Port == 8080',
  'Service.EnableTagOverride == false',
  '"v1" in Service.Tags',
  '"v2" not in Service.Tags',
  'Service.Tags contains "edge"',
  'Service.Tags not contains v2',
  'Service.Service contains "we"',
  'Service.Meta.version == "1.2"',
  'Service.Meta["a.b"] == "dotted"',
  'version in Service.Meta',
  'Service.Meta is not empty',
  'Node.Meta is empty',
  'Checks.Status == "passing"',
  'Checks is not empty',
  'not Service.Service == "db" and (Service.Port == 1 or "v1" in Service.Tags)',
  'any Service.Tags as t { t == "edge" }',
  'all Checks as c { c.Status == "passing" }',
  'Service.Meta.missing != "x"',
];

const HOLD_NOT = [
  'Service.Service == db',
  'Service.Port == ""',
  'Service.Meta.missing == "x"',
  '"v1" in Service.Tags and "v2" in Service.Tags',
  'all Service.Tags as t { t == "edge" }',
  'Service.Meta.__proto__ == "x"',
];

const REFUSED: readonly (readonly [text: string, problem: RegExp])[] = [
  ['', /expected a selector at character 1, found the end/],
  ['Service.Name == "web"', /Selector "Service.Name" is not valid/],
  ['Service.__proto__ == "web"', /Selector "Service.__proto__" is not valid/],
  ['Service.Service = "web"', /unexpected "="/],
  ['Service.Service == ', /expected a value/],
  ['Service.Service == "web" Service', /expected "and", "or" or the end/],
  ['Service.Service matches "w.*"', /"matches" is not supported/],
  ['(Service.Service == "web"', /expected "\)"/],
  [`${'('.repeat(100)}Service.Service == "web"`, /nested at most 32 deep/],
  ['"'.repeat(5), /unexpected/],
  ['x'.repeat(5000), /at most 4096 characters/],
];

describe('filters in the language of go-bexpr', () => {
  for (const [expected, texts] of [
    [true, HOLD],
    [false, HOLD_NOT],
  ] as const) {
    for (const text of texts) {
      it(`${text} is ${String(expected)}`, () => {
        const filter = createFilter(text, SHAPE);
        assert.ok(filter.ok, filter.ok ? '' : filter.problem);
        assert.equal(filter.value(WEB), expected);
      });
    }
  }

  for (const [text, problem] of REFUSED) {
    it(`refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
      const filter = createFilter(text, SHAPE);
      assert.ok(!filter.ok);
      assert.match(filter.problem, problem);
    });
  }

  it('are refused or answered, whatever they say', () => {
    const piece = fc.constantFrom(
      'Service',
      '.',
      'Tags',
      '"v1"',
      ' in ',
      ' not ',
      '==',
      '(',
      ')',
      ' and ',
      '[',
      ']',
      '`',
      '"',
      'any ',
      ' as ',
      '{',
      '}',
      '1',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const filter = createFilter(pieces.join(''), SHAPE);
        if (filter.ok) assert.equal(typeof filter.value(WEB), 'boolean');
      }),
      { numRuns: 2000 },
    );
  });
});
