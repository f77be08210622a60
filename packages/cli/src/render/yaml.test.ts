import assert from 'node:assert/strict';
import { test } from 'node:test';

import { renderYaml } from './yaml.ts';

for (const text of [
  'yes',
  'No',
  'on',
  'OFF',
  'y',
  'n',
  '010',
  '0o7',
  '0x1',
  '1_000',
  '1:30',
  '2026-11-21',
  'null',
  '~',
  '.5',
]) {
  test(`the text ${text} is text to readers of YAML 1.1, too`, () => {
    assert.equal(renderYaml({ a: text }), `a: "${text}"\n`);
  });
}

test('a name that is a boolean to YAML 1.1 is quoted', () => assert.equal(renderYaml({ on: 'a' }), '"on": a\n'));

test('other texts stand plain', () => assert.equal(renderYaml({ a: '/orders/*', b: 'web' }), 'a: /orders/*\nb: web\n'));
