import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { dice, members, tally } from '../members.fixture.ts';
import type { BalancerSettings } from '../settings/balancing.ts';
import { createBalancer } from './balancer.ts';
import type { Balancer } from './balancer.ts';
import { mix } from './hash.ts';
import type { Member } from './member.ts';

const KINDS: readonly BalancerSettings[] = [
  { kind: 'round-robin' },
  { kind: 'random' },
  { kind: 'least-request' },
  { kind: 'least-request', cost: 'active', choices: 3 },
  { kind: 'hash', table: 'ring' },
  { kind: 'hash', table: 'maglev' },
];

function balancer(
  all: readonly Member[],
  settings: BalancerSettings,
  warmup?: { readonly durationMs: number },
): Balancer {
  return createBalancer(all, { settings, warmup, random: dice(7) });
}

for (const settings of KINDS) {
  const { kind } = settings;
  describe(`balancer ${kind} ${'table' in settings ? settings.table : ''}`, () => {
    it('of none, none is chosen, and of one, that one', () => {
      assert.equal(balancer([], settings).pick(0, 1), undefined);
      assert.equal(balancer(members(1), settings).pick(0, 1)?.endpoint.instanceId, 'i0');
    });

    it('everybody is chosen, about as often as the others', () => {
      const each = balancer(members(10), settings);
      let hash = 0;
      const counts = tally(20_000, () => each.pick(0, mix((hash += 1))));
      assert.equal(counts.size, 10);
      for (const [id, count] of counts) assert.ok(count > 1400 && count < 2700, `${id} was chosen ${count} times`);
    });

    it('one of three times the weight is chosen three times as often', () => {
      const each = balancer(
        members(4, (index) => ({ weight: index === 0 ? 3 : 1 })),
        settings,
      );
      let hash = 0;
      // Without latencies and without requests under way, least-request draws by weight.
      const share = (tally(20_000, () => each.pick(0, mix((hash += 1)))).get('i0') ?? 0) / 20_000;
      assert.ok(share > 0.4 && share < 0.7, `${share}`);
    });

    it('choosing among ten thousand takes no time that shows', () => {
      const each = balancer(members(10_000), settings);
      const before = performance.now();
      for (let time = 0; time < 20_000; time += 1) each.pick(0, mix(time));
      assert.ok(performance.now() - before < 1000);
    });
  });
}

describe('round robin', () => {
  it('each in turn, before any comes again', () => {
    const each = balancer(members(5), { kind: 'round-robin' });
    for (let round = 0; round < 10; round += 1) assert.equal(tally(5, () => each.pick(0, undefined)).size, 5);
  });

  it('weights are held in every stretch, not only in the long run', () => {
    const each = balancer(
      members(2, (index) => ({ weight: index === 0 ? 4 : 1 })),
      { kind: 'round-robin' },
    );
    for (let round = 0; round < 10; round += 1) {
      const few = tally(5, () => each.pick(0, undefined)).get('i1') ?? 0;
      assert.ok(few <= 2, `${few} of 5`);
    }
  });
});

for (const table of ['ring', 'maglev'] as const) {
  describe(`consistent hash: ${table}`, () => {
    const HASHES = 20_000;
    const placed = (all: readonly Member[]): (string | undefined)[] => {
      const each = balancer(all, { kind: 'hash', table });
      return Array.from({ length: HASHES }, (_, hash) => each.pick(0, mix(hash))?.endpoint.instanceId);
    };

    it('the same request comes to the same instance', () => {
      assert.deepEqual(placed(members(20)), placed(members(20)));
      assert.deepEqual(placed(members(20)), placed(members(20).toReversed()));
    });

    it('one that goes moves what it had, and next to nothing else', () => {
      const before = placed(members(20));
      const after = placed(members(20).slice(1));
      const moved = before.filter((id, index) => id !== 'i0' && id !== after[index]).length;
      assert.ok(moved <= (table === 'ring' ? 0 : HASHES * 0.03), `${moved} moved needlessly`);
    });

    it('one that comes takes its share, and moves no more', () => {
      const before = placed(members(20));
      const after = placed(members(21));
      const moved = before.filter((id, index) => id !== after[index]).length;
      assert.ok(moved < (HASHES / 21) * 1.5, `${moved} of ${HASHES}`);
    });
  });
}

describe('least request', () => {
  it('the one with fewer requests under way for its weight', () => {
    const all = members(2, (index) => ({ weight: index === 0 ? 4 : 1 }));
    const [heavy, light] = all;
    assert.ok(heavy && light);
    const each = balancer(all, { kind: 'least-request', cost: 'active' });
    heavy.inFlight = 3;
    light.inFlight = 1;
    assert.equal(each.pick(0, undefined), heavy);
    heavy.inFlight = 5;
    assert.equal(each.pick(0, undefined), light);
  });

  it('one that nothing is known of is tried, with one request', () => {
    const all = members(2);
    const [known, unknown] = all;
    assert.ok(known && unknown);
    known.latency.observe(5, 0);
    const each = balancer(all, { kind: 'least-request' });
    assert.equal(each.pick(0, undefined), unknown);
    unknown.inFlight = 1;
    assert.equal(each.pick(0, undefined), known);
  });
});

describe('warm-up', () => {
  it('a new instance is given its share little by little', () => {
    const all = members(4);
    const [first, ...others] = all;
    assert.ok(first);
    for (const other of others) Object.assign(other, { since: -100_000 });
    const each = balancer(all, { kind: 'random' }, { durationMs: 10_000 });
    const shares = [0, 2000, 4000, 6000, 8000, 10_000].map(
      (now) => (tally(8000, () => each.pick(now, undefined)).get('i0') ?? 0) / 8000,
    );
    for (const [index, share] of shares.entries()) {
      const warmth = Math.max(0.1, index / 5);
      const expected = warmth / (3 + warmth);
      assert.ok(Math.abs(share - expected) < 0.03, `after ${index * 2} s ${share}, expected ${expected}`);
    }
  });

  it('where all are new, all are given requests', () => {
    const each = balancer(members(3), { kind: 'round-robin' }, { durationMs: 10_000 });
    assert.equal(tally(3000, () => each.pick(0, undefined)).size, 3);
  });
});
