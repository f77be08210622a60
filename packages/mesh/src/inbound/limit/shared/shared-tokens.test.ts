import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { TokenBuckets } from '@rampart/core';
import type { RequestLimit, RequestRate } from '@rampart/core';
import { FakeClock } from '@rampart/testkit/fake-clock';
import fc from 'fast-check';

import type { Lease } from './lease.ts';
import { QuotaDesk } from './quota-desk.ts';
import { SharedTokens } from './shared-tokens.ts';

const limit = (perSecond: number, burst: number): RequestLimit & { readonly rate: RequestRate } => ({
  policy: 'shop/limits',
  rule: 'all',
  identity: '',
  isShadow: false,
  isShared: true,
  rate: { requests: perSecond, windowSeconds: 1, perSecond, burst },
  concurrency: undefined,
  isAbout: () => true,
  keyOf: () => '',
});

/** Several data planes of a service, and the one bucket that they share, which answers after a while or not at all. */
class Fleet {
  readonly clock = new FakeClock(0);
  readonly planes: readonly SharedTokens[];
  readonly warnings: string[] = [];
  /** When requests were let through. */
  readonly passed: number[] = [];
  calls = 0;
  isAway = false;
  latencyMs = 0;
  readonly #buckets: TokenBuckets;

  constructor(count: number, perSecond: number, burst: number) {
    this.#buckets = new TokenBuckets({ perSecond, burst }, this.clock);
    const note = (message: string): void => void this.warnings.push(message);
    const log = { error: note, warn: note, info: note, debug: note };
    this.planes = Array.from({ length: count }, () => {
      const desk = new QuotaDesk({ clock: this.clock, log, lease: (wants) => this.#lease(wants) });
      return new SharedTokens(limit(perSecond, burst), { clock: this.clock, desk });
    });
  }

  readonly #lease: Lease = async (wants) => {
    this.calls += 1;
    if (this.latencyMs > 0) await new Promise<void>((resolve) => this.clock.after(this.latencyMs, resolve));
    if (this.isAway) throw new Error('away');
    return wants.map(({ key, tokens, unused }) => {
      if (unused > 0) this.#buckets.giveBack(key, unused);
      const given = this.#buckets.takeSome(key, tokens);
      return { tokens: given.tokens, validMs: 1000, retryMs: given.waitMs, unknown: false };
    });
  };

  /** One request to one of them. */
  async request(plane: number, key = ''): Promise<boolean> {
    const tokens = this.planes[plane % this.planes.length];
    assert.ok(tokens);
    await tokens.prepare(key);
    const isIn = tokens.take(key) === 0;
    if (isIn) this.passed.push(this.clock.now());
    return isIn;
  }

  async storm(plane: number, count: number, key = ''): Promise<number> {
    const answers = await Promise.all(Array.from({ length: count }, () => this.request(plane, key)));
    return answers.filter(Boolean).length;
  }
}

describe('a limit that data planes share', () => {
  it('lets the whole burst through one of them, and nothing more through others', async () => {
    const fleet = new Fleet(3, 10, 10);
    assert.equal(await fleet.storm(0, 8), 8);
    assert.equal(await fleet.storm(1, 8), 2);
    assert.equal(await fleet.storm(2, 8), 0);
  });

  it('refuses nobody who has waited, while there is something left, for those that come later', async () => {
    const fleet = new Fleet(1, 10, 40);
    fleet.latencyMs = 5;
    const storms: Promise<number>[] = [];
    for (let wave = 0; wave < 4; wave += 1) {
      storms.push(fleet.storm(0, 10));
      await fleet.clock.advance(3);
    }
    await fleet.clock.advance(20);
    assert.deepEqual(await Promise.all(storms), [10, 10, 10, 10]);
  });

  it('asks once for requests that come together, and not again for what is known to be empty', async () => {
    const fleet = new Fleet(1, 10, 10);
    await fleet.storm(0, 50);
    assert.equal(fleet.calls, 1);
    await fleet.storm(0, 50);
    assert.equal(fleet.calls, 1);
  });

  it('gives back what was not used, for others', async () => {
    const fleet = new Fleet(2, 100, 100);
    for (let round = 0; round < 4; round += 1) {
      await fleet.storm(0, 10);
      await fleet.clock.advance(50);
    }
    await fleet.clock.advance(2000);
    assert.equal(await fleet.storm(1, 150), 100);
  });

  it('is held to by each alone while nobody answers, which is said once, and together again', async () => {
    const fleet = new Fleet(2, 1, 5);
    fleet.isAway = true;
    assert.deepEqual([await fleet.storm(0, 20), await fleet.storm(0, 20), await fleet.storm(1, 20)], [5, 0, 5]);
    await fleet.clock.advance(10_000);
    assert.equal(await fleet.storm(0, 20), 5);
    assert.equal(fleet.warnings.length, 2);
    fleet.isAway = false;
    await fleet.clock.advance(10_000);
    await fleet.request(0);
    await fleet.request(1);
    await fleet.clock.advance(1);
    assert.deepEqual(fleet.warnings.slice(2), Array(2).fill('shared limits are counted with the control plane again'));
    assert.ok((await fleet.storm(0, 20)) + (await fleet.storm(1, 20)) <= 5);
  });

  it('remembers nothing of counters that nobody uses', async () => {
    const fleet = new Fleet(1, 10, 10);
    for (let key = 0; key < 100; key += 1) await fleet.request(0, `caller-${key}`);
    await fleet.clock.advance(5000);
    assert.equal(fleet.clock.pending, 0);
  });

  /** In 0.1 s as much may be held ahead by each, beyond what the bucket holds. */
  const slack = (planes: number, perSecond: number): number => planes * Math.floor(perSecond * 0.1);

  it('never lets more through than the burst, what flows in, and the slack', async () => {
    const step = fc.record({
      plane: fc.nat(2),
      count: fc.integer({ min: 1, max: 30 }),
      pauseMs: fc.integer({ min: 0, max: 400 }),
      latencyMs: fc.constantFrom(0, 0, 5, 80),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25 }),
        fc.constantFrom(5, 40, 100),
        fc.integer({ min: 1, max: 60 }),
        async (steps, perSecond, burst) => {
          const fleet = new Fleet(3, perSecond, burst);
          const running: Promise<number>[] = [];
          for (const { plane, count, pauseMs, latencyMs } of steps) {
            fleet.latencyMs = latencyMs;
            running.push(fleet.storm(plane, count));
            await fleet.clock.advance(pauseMs);
          }
          await fleet.clock.advance(1000);
          await Promise.all(running);
          const { passed } = fleet;
          for (let from = 0; from < passed.length; from += 1) {
            for (let to = from; to < passed.length; to += 1) {
              const seconds = ((passed[to] ?? 0) - (passed[from] ?? 0)) / 1000;
              const most = burst + perSecond * seconds + (from === 0 ? 0 : slack(3, perSecond) + 30);
              assert.ok(to - from + 1 <= most + 1e-6, `${to - from + 1} in ${seconds} s`);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
