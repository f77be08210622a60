import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { FakeClock } from '@rampart/testkit/fake-clock';

import { type OnceClaim, ReplayCache } from './replay-cache.ts';

describe('memory of what counts once', () => {
  const claim = (name: string, { created = 0, keepMs = 100 } = {}): OnceClaim => ({ name, created, keepMs });

  it('knows what it saw until it would not count any more', async () => {
    const clock = new FakeClock(0);
    const cache = new ReplayCache({ clock, knownSince: 0 });
    assert.equal(cache.take(claim('n')), 'new');
    await clock.advance(100);
    assert.equal(cache.take(claim('n')), 'seen');
    await clock.advance(1);
    assert.equal(cache.take(claim('n', { created: 100 })), 'new');
  });

  it('takes nothing of a time of which it has forgotten something, although a policy has it count longer now', async () => {
    const clock = new FakeClock(0);
    const cache = new ReplayCache({ clock, knownSince: 0 });
    assert.equal(cache.take(claim('n')), 'new');
    await clock.advance(101);
    assert.equal(cache.take(claim('n', { keepMs: 1000 })), 'old');
    assert.equal(cache.take(claim('m', { created: 1, keepMs: 1000 })), 'new');
  });

  it('knows what it still remembers, although it did not count any more before a policy had it count longer', async () => {
    const clock = new FakeClock(0);
    const cache = new ReplayCache({ clock, knownSince: 0 });
    assert.equal(cache.take(claim('long', { keepMs: 1000 })), 'new');
    assert.equal(cache.take(claim('n')), 'new');
    await clock.advance(101);
    assert.equal(cache.take(claim('n', { keepMs: 1000 })), 'seen');
  });

  it('takes nothing of before it began to know', () => {
    const cache = new ReplayCache({ clock: new FakeClock(5500), knownSince: 5000 });
    assert.equal(cache.take(claim('n', { created: 4999, keepMs: 60_000 })), 'old');
    assert.equal(cache.take(claim('n', { created: 5000, keepMs: 60_000 })), 'new');
  });

  it('takes no more than it can remember, and forgets nothing for it', async () => {
    const clock = new FakeClock(0);
    const cache = new ReplayCache({ clock, knownSince: 0, most: 2 });
    const taken = ['1', '2', '3'].map((nonce, index) => cache.take(claim(nonce, { keepMs: 10 * (index + 1) })));
    assert.deepEqual(taken, ['new', 'new', 'full']);
    assert.equal(cache.take(claim('1')), 'seen');
    await clock.advance(11);
    assert.equal(cache.take(claim('3', { created: 5 })), 'new');
    assert.equal(cache.take(claim('2')), 'seen');
  });
});
