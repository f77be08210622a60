import assert from 'node:assert/strict';

import { normalizePath, pathOf, type PathNormalization } from '@rampart/core';

import { outcome, textOf, type FuzzTarget } from '../engine/target.ts';

const MODES: readonly PathNormalization[] = ['NONE', 'BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES'];

/** Request targets, brought into the form that policies are written for. */
export const path: FuzzTarget = {
  name: 'path',
  form: 'text',
  seeds: [
    '/',
    '*',
    '/a/b?c=d',
    '/a/./b/../c',
    '/a//b',
    '/%2e%2e/a',
    '/a%2fb',
    '/a%5cb\\c',
    '/%00',
    '/a?b#c',
    '/%41%7e%zz%',
    '/..',
    '/a/..;x=1/b',
    '/caf\u00e9?q=\u00fc',
  ],
  words: [
    '/',
    '//',
    '/./',
    '/../',
    '/..',
    '%2e',
    '%2E',
    '%2f',
    '%5C',
    '\\',
    '%',
    '%%',
    '%32%65',
    '%252e',
    '%00',
    '%c0%ae',
    '?',
    '#',
    ';',
    '\u0000',
    '\u2215',
    '\u00e9',
    ' ',
    '*',
  ],
  run: (input) => {
    const raw = textOf(input);
    const outcomes = MODES.map((mode) => {
      const result = normalizePath(raw, mode);
      if (!result.ok) return outcome(result.problem);
      const { value } = result;
      assert.ok(value === '*' || value.startsWith('/'), `${mode}: ${JSON.stringify(value)} is no path`);
      const again = normalizePath(value, mode);
      assert.ok(again.ok, `${mode}: the normal form ${JSON.stringify(value)} is refused`);
      assert.equal(again.value, value, `${mode}: a second pass changes the path`);
      const [head, was] = [pathOf(value), pathOf(raw)];
      assert.equal(value.slice(head.length), raw.slice(was.length), `${mode}: the query changed`);
      assert.doesNotMatch(head, /\u0000|%00/, `${mode}: a NUL went through`);
      assert.match(value, /^[!-~]*$/, `${mode}: what no URI holds went through`);
      if (mode !== 'NONE') checkBase(head, mode);
      if (mode === 'MERGE_SLASHES' || mode === 'DECODE_AND_MERGE_SLASHES')
        assert.doesNotMatch(head, /\/\//, `${mode}: two slashes`);
      if (mode === 'DECODE_AND_MERGE_SLASHES') assert.doesNotMatch(head, /%2f|%5c/i, `${mode}: an escaped slash`);
      return value === raw ? 'same' : 'changed';
    });
    return outcomes.join(' ');
  },
};

function checkBase(head: string, mode: string): void {
  assert.doesNotMatch(head, /\\/, `${mode}: a backslash`);
  assert.doesNotMatch(head, /(?:^|\/)\.{1,2}(?:\/|$)/, `${mode}: a dot segment`);
  assert.doesNotMatch(head, ESCAPED_UNRESERVED, `${mode}: an unreserved character is escaped`);
}

/** Where decoding would complete another escape, "%%32e", the escape stays. */
const ESCAPED_UNRESERVED = /(?<!%[0-9A-Fa-f]?)%(?:2[DEde]|3\d|4[1-9A-Fa-f]|5[0-9Aa]|5[Ff]|6[1-9A-Fa-f]|7[0-9Aa]|7[Ee])/;
