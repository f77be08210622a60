import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { ReplayCache } from '@rampart/core';
import { FakeClock } from '@rampart/testkit/fake-clock';
import fc from 'fast-check';

import { MeshNonces } from './mesh-nonces.ts';
import type { TakeNonces } from './nonce-desk.ts';
import type { NonceClaim, NonceStanding } from './nonces.ts';

/** Some instances of a service, and the memory that they share, which answers or not. */
class Fleet {
  readonly clock = new FakeClock(0);
  readonly said: string[] = [];
  /** How many claims each call had. */
  readonly calls: number[] = [];
  isAway = false;
  #shared = new ReplayCache({ clock: this.clock, knownSince: 0 });
  readonly #instances: MeshNonces[];

  constructor(count: number, ...namespaces: readonly string[]) {
    this.#instances = Array.from({ length: count }, (_, index) => this.#start(namespaces[index]));
  }

  take(instance: number, claim: Partial<NonceClaim> = {}): Promise<NonceStanding> {
    const nonces = this.#instances[instance % this.#instances.length];
    assert.ok(nonces !== undefined);
    return nonces.take({
      signer: 'a',
      nonce: 'n',
      created: this.clock.now(),
      keepMs: 60_000,
      failOpen: false,
      ...claim,
    });
  }

  /** The shared memory begins anew: what is signed now may have come to the one before. */
  forget(): void {
    this.#shared = new ReplayCache({ clock: this.clock, knownSince: this.clock.now() + 6000 });
  }

  restart(instance: number): void {
    this.#instances[instance] = this.#start();
  }

  #start(namespace = 'shop'): MeshNonces {
    const note = (message: string): void => void this.said.push(message);
    const log = { error: note, warn: note, info: note, debug: note };
    return new MeshNonces({
      clock: this.clock,
      log,
      take: this.#take,
      workload: () => ({ namespace, service: 'bank' }),
    });
  }

  readonly #take: TakeNonces = async (claims) => {
    this.calls.push(claims.length);
    await Promise.resolve();
    // One that gives no answer may have heard the question all the same.
    const standings = claims.map(({ digest, created, keepMs }) =>
      this.#shared.take({ name: Buffer.from(digest).toString('hex'), created: Number(created), keepMs }),
    );
    if (this.isAway) throw new Error('away');
    return standings;
  };
}

describe('signatures that came to instances of a service', () => {
  it('are taken by one of them', async () => {
    const fleet = new Fleet(3);
    assert.deepEqual(await Promise.all([fleet.take(0), fleet.take(1), fleet.take(2)]), ['new', 'seen', 'seen']);
    assert.equal(await fleet.take(1, { signer: 'b' }), 'new');
  });

  it('say nothing of a service of the same name elsewhere', async () => {
    const fleet = new Fleet(2, 'shop', 'rehearsal');
    assert.deepEqual(await Promise.all([fleet.take(0), fleet.take(1)]), ['new', 'new']);
  });

  it('are asked about together, and not at all where one came to the same instance', async () => {
    const fleet = new Fleet(1);
    const claims = Array.from({ length: 2500 }, (_, index) => fleet.take(0, { nonce: String(index) }));
    assert.ok((await Promise.all(claims)).every((standing) => standing === 'new'));
    assert.deepEqual(fleet.calls, [1000, 1000, 500]);
    assert.equal(await fleet.take(0, { nonce: '0' }), 'seen');
    assert.equal(fleet.calls.length, 3);
  });

  it('are still known when an instance starts again, which takes what is new at once', async () => {
    const fleet = new Fleet(1);
    await fleet.clock.advance(10_000);
    assert.equal(await fleet.take(0), 'new');
    fleet.restart(0);
    assert.equal(await fleet.take(0), 'seen');
    assert.equal(await fleet.take(0, { nonce: 'm', created: 5000 }), 'new');
  });

  it('are not taken while nobody answers, which is said once', async () => {
    const fleet = new Fleet(1);
    fleet.isAway = true;
    for (const nonce of ['1', '2', '3']) assert.equal(await fleet.take(0, { nonce }), 'unknown');
    assert.equal(fleet.calls.length, 1);
    fleet.isAway = false;
    await fleet.clock.advance(2000);
    assert.equal(await fleet.take(0, { nonce: '4' }), 'new');
    assert.equal(fleet.said.length, 2);
  });

  it('are held to what came to the instance while nobody answers, where a policy says so', async () => {
    const fleet = new Fleet(2);
    fleet.isAway = true;
    const claim = { failOpen: true };
    assert.deepEqual([await fleet.take(0, claim), await fleet.take(0, claim)], ['new', 'seen']);
    assert.equal(await fleet.take(1, claim), 'new');
  });

  it('are not taken right after the shared memory began anew, but where a policy lets the instance decide', async () => {
    const fleet = new Fleet(1);
    assert.equal(await fleet.take(0), 'new');
    fleet.forget();
    assert.equal(await fleet.take(0, { nonce: 'm' }), 'old');
    assert.equal(await fleet.take(0, { nonce: 'l', failOpen: true }), 'new');
    assert.equal(await fleet.take(0, { failOpen: true }), 'seen');
    await fleet.clock.advance(6000);
    assert.equal(await fleet.take(0, { nonce: 'k' }), 'new');
  });

  const steps = fc.array(
    fc.oneof(
      fc.record({ to: fc.nat(2), nonce: fc.integer({ min: 0, max: 5 }).map(String) }),
      fc.constantFrom('away' as const, 'back' as const, 'second' as const, 'restart' as const),
    ),
    { maxLength: 60 },
  );
  it('are never taken twice, whatever stops answering or starts again', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (story) => {
        const fleet = new Fleet(3);
        const taken = new Set<string>();
        for (const step of story) {
          if (step === 'second') await fleet.clock.advance(1000);
          else if (step === 'restart') fleet.restart(0);
          else if (typeof step === 'string') fleet.isAway = step === 'away';
          else if ((await fleet.take(step.to, { nonce: step.nonce, created: 0 })) === 'new') {
            assert.ok(!taken.has(step.nonce), `${step.nonce} was taken twice`);
            taken.add(step.nonce);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
