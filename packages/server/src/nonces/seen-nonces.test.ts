import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '@rampart/testkit/fake-clock';
import { SeenNonces } from './seen-nonces.ts';

const BANK = 'spiffe://cluster.local/ns/shop/sa/bank';
const KEEP = { keepMs: 60_000 };

describe('what signed requests came', () => {
  it('is known for all instances of a service, of whatever identity they are', () => {
    const seen = new SeenNonces({ clock: new FakeClock(0), isFirst: true });
    const claim = { name: 'n', created: 1000, ...KEEP };
    assert.equal(seen.take(BANK, claim), 'new');
    assert.equal(seen.take(BANK, claim), 'seen');
    assert.equal(seen.take('spiffe://cluster.local/ns/shop/sa/bank-canary', claim), 'seen');
  });

  it('fills the memory of its identity alone', () => {
    const seen = new SeenNonces({ clock: new FakeClock(0), isFirst: true });
    for (let index = 0; index < 100_000; index += 1) seen.take(BANK, { name: `n${index}`, created: 1000, ...KEEP });
    assert.equal(seen.take(BANK, { name: 'n', created: 1000, ...KEEP }), 'full');
    assert.equal(seen.take('spiffe://cluster.local/ns/shop/sa/mail', { name: 'n', created: 1000, ...KEEP }), 'new');
  });

  it('may have come to a control plane before this one, from callers whose clocks are ahead too', () => {
    const seen = new SeenNonces({ clock: new FakeClock(5500), isFirst: false });
    assert.equal(seen.take(BANK, { name: 'n', created: 10_000, ...KEEP }), 'old');
    assert.equal(seen.take(BANK, { name: 'n', created: 11_000, ...KEEP }), 'new');
  });

  it('came to nobody before the first control plane', () => {
    const seen = new SeenNonces({ clock: new FakeClock(5500), isFirst: true });
    assert.equal(seen.take(BANK, { name: 'n', created: 5000, ...KEEP }), 'new');
  });

  it('is not remembered for a clock that is far ahead, and costs the others of its identity nothing', async () => {
    const clock = new FakeClock(0);
    const seen = new SeenNonces({ clock, isFirst: true });
    assert.equal(seen.take(BANK, { name: 'n', created: 60_001, ...KEEP }), 'old');
    await clock.advance(200_000);
    assert.equal(seen.take(BANK, { name: 'n', created: 199_000, ...KEEP }), 'new');
  });

  it('is taken only from then on when there are more identities than are remembered', async () => {
    const clock = new FakeClock(0);
    const seen = new SeenNonces({ clock, isFirst: true });
    const claim = { name: 'n', created: 1000, ...KEEP };
    for (let index = 0; index < 10_000; index += 1)
      seen.take(`spiffe://cluster.local/ns/shop/sa/s${index}`, { ...claim, name: `n${index}` });
    await clock.advance(2000);
    assert.equal(seen.take(BANK, claim), 'old');
    assert.equal(seen.take(BANK, { ...claim, created: 8000 }), 'new');
  });
});
