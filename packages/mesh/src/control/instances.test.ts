import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { FakeClock } from '@rampart/testkit/fake-clock';

import { LocalInstances } from './instances.ts';

const INSTANCE = { instanceId: 'one', host: '', port: 80, protocol: 'http' } as const;
const SHORT_MS = 500;
const LAST_CALLERS_MS = 500;

describe('an instance that leaves', () => {
  async function leaving(options: { readonly isKnown: boolean; readonly isConnected: boolean }): Promise<Leaving> {
    const clock = new FakeClock();
    const instances = new LocalInstances(() => options.isKnown);
    if (options.isConnected) instances.observe(() => undefined);
    instances.add(INSTANCE);
    instances.remove(INSTANCE.instanceId);
    const left: Leaving = { clock, instances, isForgotten: false };
    void instances.whenForgotten(clock, SHORT_MS).then(() => (left.isForgotten = true));
    await clock.advance(0);
    return left;
  }

  async function after({ clock }: Leaving, milliseconds: number): Promise<void> {
    await clock.advance(milliseconds);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }

  it('goes on being there until a busy registry has let go of it, and callers have heard', async () => {
    const left = await leaving({ isKnown: true, isConnected: true });
    await after(left, SHORT_MS * 4);
    await after(left, LAST_CALLERS_MS);
    assert.equal(left.isForgotten, false);
    left.instances.confirm(new Set([INSTANCE.instanceId]));
    await after(left, LAST_CALLERS_MS - 1);
    assert.equal(left.isForgotten, false);
    await after(left, 1);
    assert.equal(left.isForgotten, true);
  });

  for (const [rule, options] of [
    ['that the registry does not know is not waited for', { isKnown: false, isConnected: true }],
    ['is not waited for while there is no registry', { isKnown: true, isConnected: false }],
  ] as const)
    it(rule, async () => {
      const left = await leaving(options);
      await after(left, SHORT_MS);
      await after(left, LAST_CALLERS_MS);
      assert.equal(left.isForgotten, true);
    });
});

interface Leaving {
  readonly clock: FakeClock;
  readonly instances: LocalInstances;
  isForgotten: boolean;
}
