import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Clock } from '@rampart/core';
import { Rendered, renderedList, renderedMap } from './rendered.ts';

/** Each look at it takes as long as a slice may. */
function slowClock(): Clock {
  let time = 0;
  return { now: () => (time += 10), after: () => ({ cancel: () => undefined }) };
}

describe('a list that is rendered', () => {
  const two = (thing: number): readonly { readonly n: number; readonly text: string }[] =>
    thing % 3 === 0 ? [] : [thing, -thing].map((n) => ({ n, text: 'ü' }));

  for (const count of [0, 1, 3, 64, 65, 1000])
    it(`is what JSON makes of it: ${count}`, async () => {
      const things = Array.from({ length: count }, (_, index) => index);
      const rendered = await renderedList(things, two, slowClock());
      assert.equal(rendered.bytes.toString(), JSON.stringify(things.flatMap(two)));
    });

  it('is there at once when it is short', () => {
    assert.ok(renderedList([1, 2, 3], two, slowClock()) instanceof Rendered);
  });

  it('lets others have their turn when it is long', async () => {
    const things = Array.from({ length: 1000 }, (_, index) => index);
    let isReady = false;
    let turns = 0;
    const count = (): void => {
      turns += 1;
      if (!isReady) setImmediate(count);
    };
    setImmediate(count);
    await renderedList(things, two, slowClock());
    isReady = true;
    assert.ok(turns > 10, String(turns));
  });
});

describe('an object that is rendered', () => {
  for (const count of [0, 1, 63, 200])
    it(`is what JSON makes of it, of several with one key of the last: ${count}`, async () => {
      const things = Array.from({ length: count }, (_, index) => index);
      const entries = (thing: number): readonly (readonly [string, { readonly n: number }])[] =>
        thing % 5 === 0 ? [] : [[`"ü"${thing % 50}`, { n: thing }]];
      const { bytes } = await renderedMap(things, entries, slowClock());
      assert.deepEqual(JSON.parse(bytes.toString()), Object.fromEntries(things.flatMap(entries)));
    });
});
