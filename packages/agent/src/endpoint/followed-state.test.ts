import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ChangeSignal } from '../change-signal.ts';
import { followState, Splay } from './followed-state.ts';

describe('a state that is followed', () => {
  let changes: ChangeSignal;
  let stop: AbortController;
  let state: string;
  let outlook: string | undefined;
  let looks: number;
  let told: string[];
  let ended: Promise<unknown>;

  beforeEach(() => {
    changes = new ChangeSignal();
    stop = new AbortController();
    [state, outlook, looks, told] = ['first', 'o1', 0, []];
  });
  afterEach(async () => {
    stop.abort();
    await ended;
  });

  function follow(look: () => Promise<string> = () => Promise.resolve(state)): void {
    const states = followState({
      changes,
      signal: stop.signal,
      splay: new Splay(() => 0),
      outlook: () => outlook,
      look: () => {
        looks += 1;
        return look();
      },
      digest: (text) => text,
    });
    ended = (async () => {
      for await (const text of states) told.push(text);
    })().catch((error: unknown) => error);
  }

  /** Lets everything happen that is not waiting for a change. */
  const quiet = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  async function change(next: { readonly state?: string; readonly outlook?: string | undefined } = {}): Promise<void> {
    if (next.state !== undefined) state = next.state;
    if ('outlook' in next) outlook = next.outlook;
    changes.notify();
    await quiet();
  }

  it('is told at once, and each time it is another one', async () => {
    follow();
    await until('the first', () => told.length === 1);
    await change({ state: 'second', outlook: 'o2' });
    await change({ state: 'third', outlook: 'o3' });
    assert.deepEqual(told, ['first', 'second', 'third']);
  });

  it('is not told again when it is the same', async () => {
    follow();
    await until('the first', () => told.length === 1);
    await change({ outlook: 'o2' });
    assert.deepEqual([told, looks], [['first'], 2]);
  });

  it('is not looked at for changes that cannot be about it', async () => {
    follow();
    await until('the first', () => told.length === 1);
    for (let round = 0; round < 10; round += 1) await change();
    assert.equal(looks, 1);
    await change({ state: 'second', outlook: 'o2' });
    assert.deepEqual([told, looks], [['first', 'second'], 2]);
  });

  it('is looked at for every change while only a look can say', async () => {
    outlook = undefined;
    follow();
    await until('the first', () => told.length === 1);
    await change({ state: 'second' });
    await change();
    assert.deepEqual([told, looks], [['first', 'second'], 3]);
  });

  it('that changed while it was looked at is looked at again', async () => {
    const gate = Promise.withResolvers<void>();
    follow(async () => {
      const seen = state;
      await gate.promise;
      return seen;
    });
    await until('the look', () => looks === 1);
    await change({ state: 'second', outlook: 'o2' });
    gate.resolve();
    await until('the second', () => told.length === 2);
    assert.deepEqual(told, ['first', 'second']);
  });
});
