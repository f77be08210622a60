import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { FakeClock } from '@rampart/testkit/fake-clock';

import { ReplayCache } from './replay-cache.ts';

describe('memory of nonces', () => {
  it('knows what it saw until it would not count any more', async () => {
    const clock = new FakeClock(0);
    const cache = new ReplayCache(clock);
    assert.equal(cache.take('a', 'n', 100), 'new');
    await clock.advance(100);
    assert.equal(cache.take('a', 'n', 100), 'seen');
    await clock.advance(1);
    assert.equal(cache.take('a', 'n', 200), 'new');
  });

  it('keeps signers apart', () => {
    const cache = new ReplayCache(new FakeClock(0));
    assert.equal(cache.take('a', 'n', 100), 'new');
    assert.equal(cache.take('b', 'n', 100), 'new');
  });

  it('takes no more than it can remember, and forgets nothing for it', async () => {
    const clock = new FakeClock(0);
    const cache = new ReplayCache(clock, 2);
    assert.deepEqual(
      [cache.take('a', '1', 10), cache.take('a', '2', 20), cache.take('a', '3', 30)],
      ['new', 'new', 'full'],
    );
    assert.equal(cache.take('a', '1', 10), 'seen');
    await clock.advance(11);
    assert.equal(cache.take('a', '3', 30), 'new');
    assert.equal(cache.take('a', '2', 20), 'seen');
  });
});
