import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closest } from './spelling.ts';

const FIELDS = ['principals', 'notPrincipals', 'namespaces', 'ipBlocks'];

const cases: readonly [word: string, meant: string | undefined][] = [
  ['principal', 'principals'],
  ['prinicpals', 'principals'],
  ['Namespaces', 'namespaces'],
  ['ipblock', 'ipBlocks'],
  ['nonPrincipals', 'notPrincipals'],
  ['methods', undefined],
  ['', undefined],
];

for (const [word, meant] of cases) {
  test(`${JSON.stringify(word)} was meant to be ${meant ?? 'none of the fields'}`, () => {
    assert.equal(closest(word, FIELDS), meant);
  });
}
