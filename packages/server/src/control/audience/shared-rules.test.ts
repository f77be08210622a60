import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SharedRules } from './shared-rules.ts';

it('rules that others were told of are remembered until nobody can miss their end, and no longer', () => {
  const feed = { revision: 1, oldest: 0 };
  const shared = new SharedRules({ feed, isThere: (key) => key.startsWith('stays') });
  const add = (name: string, count: number): void => {
    for (let index = 0; index < count; index += 1) shared.add(`${name}-${index}`);
  };
  shared.add('stays');
  add('first', 1000);
  assert.ok(shared.has('first-0'), 'its end may still have to be told');
  Object.assign(feed, { revision: 10_000, oldest: 5000 });
  add('second', 2000);
  assert.deepEqual([shared.has('stays'), shared.has('first-0'), shared.has('second-0')], [true, false, true]);
  for (let round = 0; round < 20; round += 1) {
    feed.oldest = feed.revision;
    feed.revision += 5000;
    add(`round-${round}`, 2000);
  }
  assert.ok(shared.size < 10_000, String(shared.size));
});
