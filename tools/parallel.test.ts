import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inParallel } from './parallel.ts';

test('answers come in the order of the items, and no more run at once than asked', async () => {
  let running = 0;
  let most = 0;
  const answers = await inParallel([30, 10, 20], 2, async (item) => {
    running += 1;
    most = Math.max(most, running);
    await Promise.resolve();
    running -= 1;
    return item * 2;
  });
  assert.deepEqual(answers, [60, 20, 40]);
  assert.equal(most, 2);
});
