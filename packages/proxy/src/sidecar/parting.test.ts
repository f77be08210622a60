import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';

import { FakeClock } from '@rampart/testkit/fake-clock';

import { GOODBYE_MS, PARTING_MS, whenParted } from './parting.ts';

const LONGEST_MS = 30_000;

/** What was promised has been told. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

describe('a way in that is to close', () => {
  let clock: FakeClock;
  let present: { serving: number; links: number; lastArrival: number };
  let isOver: boolean;

  beforeEach(() => {
    clock = new FakeClock();
    present = { serving: 0, links: 0, lastArrival: Number.NEGATIVE_INFINITY };
    isOver = false;
  });

  async function leave(): Promise<void> {
    const { serving, links, lastArrival } = {
      serving: () => present.serving,
      links: () => present.links,
      lastArrival: () => present.lastArrival,
    };
    void whenParted({ clock, serving, links, lastArrival }, LONGEST_MS).then(() => (isOver = true));
    await turn();
  }

  async function after(milliseconds: number): Promise<boolean> {
    await clock.advance(milliseconds);
    await turn();
    return isOver;
  }

  it('closes at once where nobody is there', async () => {
    await leave();
    assert.equal(isOver, true);
  });

  it('waits for what is served', async () => {
    present.serving = 1;
    await leave();
    assert.equal(await after(GOODBYE_MS * 2), false);
    present.serving = 0;
    assert.equal(await after(100), true);
  });

  it('waits until links without streams have been let go by their other sides', async () => {
    present.links = 1;
    await leave();
    assert.equal(await after(PARTING_MS * 2), false);
    present.links = 0;
    assert.equal(await after(100), true);
  });

  it('does not wait for long for another side that does not answer', async () => {
    present.links = 1;
    await leave();
    assert.equal(await after(GOODBYE_MS), true);
  });

  it('waits for callers after one that has just come', async () => {
    present.lastArrival = clock.now();
    await leave();
    assert.equal(await after(PARTING_MS / 2), false);
    assert.equal(await after(PARTING_MS), true);
  });

  it('closes when its time is over', async () => {
    present.serving = 1;
    await leave();
    assert.equal(await after(LONGEST_MS), true);
  });
});
