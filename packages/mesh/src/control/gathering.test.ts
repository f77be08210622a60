import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { Gathering } from './gathering.ts';

describe('what is gathered', () => {
  it('is served together: what comes in one turn, then what came meanwhile, never more than fits', async () => {
    const batches: number[][] = [];
    const { promise: isOver, resolve: end } = Promise.withResolvers<void>();
    const gathering = new Gathering<number>(3, async (batch) => {
      batches.push([...batch]);
      if (batches.length === 1) for (const item of [5, 6, 1]) gathering.add(item);
      await Promise.resolve();
      if (batch.includes(6)) end();
    });
    for (const item of [1, 2, 2, 3, 4]) gathering.add(item);
    await isOver;
    assert.deepEqual(batches, [
      [1, 2, 3],
      [4, 5, 6],
    ]);
  });

  it('is served again after a rest', async () => {
    const served: number[] = [];
    const gathering = new Gathering<number>(3, async (batch) => {
      served.push(...batch);
      await Promise.resolve();
    });
    for (const item of [1, 2]) {
      gathering.add(item);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.deepEqual(served, [1, 2]);
  });
});
