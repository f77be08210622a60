import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { ClusterCounts } from '../group/cluster-counts.ts';
import { Group } from '../group/group.ts';
import { dice, members } from '../members.fixture.ts';
import { Breaker } from './breaker.ts';
import { HeldConnection } from './held-connection.ts';

const OUTLIER = {
  consecutive5xx: 2,
  consecutiveGateway: 0,
  consecutiveLocal: 0,
  intervalMs: 1000,
  baseEjectionMs: 5000,
  maxEjectionPercent: 50,
  minHealthPercent: 0,
};

function held(most: number): {
  readonly open: () => HeldConnection;
  readonly group: Group;
  readonly counts: ClusterCounts;
} {
  const all = members(2);
  const group = new Group(all, { outlier: OUTLIER }, dice(1));
  const [breaker, counts] = [new Breaker({ requests: most }), new ClusterCounts()];
  const [member] = all;
  assert.ok(member !== undefined);
  return { open: () => new HeldConnection({ breaker, counts, group }, member, () => 0), group, counts };
}

describe('a connection without HTTP under rules', () => {
  it('takes room until it is closed, once', () => {
    const { open, counts } = held(1);
    const [first, second, third] = [open(), open(), open()];
    assert.deepEqual([first.open(), second.open()], [true, false]);
    assert.equal(counts.shed, 1);
    second.close();
    first.close();
    first.close();
    assert.deepEqual([second.open(), third.open()], [true, false]);
  });

  it('leaves out an instance that takes none', () => {
    const { open, group, counts } = held(9);
    open().answered(false);
    open().answered(true);
    open().answered(false);
    assert.equal(group.available, 2);
    open().answered(false);
    assert.deepEqual([group.available, counts.ejections], [1, 1]);
  });
});
