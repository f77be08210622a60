import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { CompiledHeaders } from '@rampart/core';
import { changeHeaders } from '@rampart/mesh';
import fc from 'fast-check';

import { passedHeaders } from '../passed-headers.ts';
import { editedLines, editOf, fieldLines } from './header-edit.ts';

/** Of which rules may say something. */
const NAMES = ['a', 'B', 'server', 'Server', 'x-one', 'x-two'];
const OTHERS = ['Connection', 'te', 'x-rampart-call'];

const value = fc.constantFrom('', '1', 'a: b, c');
const entry = fc.tuple(fc.constantFrom(...NAMES), value);
const written = fc.array(fc.tuple(fc.constantFrom(...NAMES, ...OTHERS), value), { maxLength: 6 });
const operations: fc.Arbitrary<CompiledHeaders> = fc.record({
  remove: fc.array(fc.constantFrom(...NAMES), { maxLength: 3 }),
  set: fc.array(entry, { maxLength: 2 }),
  add: fc.array(entry, { maxLength: 2 }),
});
const given = fc.array(fc.option(operations, { nil: undefined }), { maxLength: 3 });

describe('header lines under rules', () => {
  it('are what a list of headers becomes', () => {
    fc.assert(
      fc.property(written, given, (entries, all) => {
        const list = entries.flat();
        const expected = fieldLines(changeHeaders(passedHeaders(list), ...all));
        for (const text of [`${fieldLines(list)}\r\n`, `${fieldLines(list)}\r\nserver: a body\r\n`])
          for (const edit of [editOf(all), editOf(all)]) assert.equal(editedLines(text, 0, edit), expected);
      }),
    );
  });
});
