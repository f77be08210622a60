import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Vitals } from './vitals.ts';
import type { Health, Vital } from './vitals.ts';

const SECONDS = 600;

/** What a soak says of a process that held `of(seconds)` all the time. */
function watched(of: (at: number) => Partial<Vital>): Health | undefined {
  const vitals = new Vitals();
  for (let at = 0; at < SECONDS; at += 1) {
    vitals.note('x', { at, megabytes: 60, objects: 18, descriptors: 40, ...of(at) });
  }
  return vitals.report(SECONDS)[0];
}

const noise = (at: number): number => (at % 7) / 70;

const cases: readonly (readonly [name: string, of: (at: number) => Partial<Vital>, isFlat: boolean])[] = [
  ['goes up and down', (at) => ({ megabytes: 60 + 20 * noise(at), objects: 18 + noise(at) }), true],
  [
    'grows until it is warm',
    (at) => ({ megabytes: 40 + Math.min(at, 250) / 10, objects: 12 + Math.min(at, 250) / 50 }),
    true,
  ],
  ['leaks 5 KB a second', (at) => ({ objects: 18 + at / 200 + noise(at), megabytes: 60 + at / 200 }), false],
  ['leaks outside of the heap', (at) => ({ megabytes: 60 + at / 15 }), false],
  ['says nothing of its objects', () => ({ objects: undefined }), true],
  ['leaves connections open', (at) => ({ descriptors: 40 + Math.floor(at / 10) }), false],
];

for (const [name, of, isFlat] of cases) {
  test(`a process that ${name} is ${isFlat ? 'flat' : 'not'}`, () => assert.equal(watched(of)?.ok, isFlat));
}
