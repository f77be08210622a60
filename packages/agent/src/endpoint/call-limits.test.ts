import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { FakeClock } from '@rampart/testkit/fake-clock';

import { CallLimits } from './call-limits.ts';

const ANN = { pid: 1, uid: 1000 };
const BOB = { pid: 2, uid: 1001 };

describe('limits of the socket', () => {
  it('calls of one process that run at a time are counted, and nobody elses', () => {
    const limits = new CallLimits({ clock: new FakeClock(), openCalls: 2 });
    const end = limits.begin(ANN);
    assert.ok(end !== undefined && limits.begin(ANN) !== undefined);
    assert.equal(limits.begin(ANN), undefined);
    assert.ok(limits.begin(BOB) !== undefined);
    end();
    assert.ok(limits.begin(ANN) !== undefined);
  });

  it('new calls of one user are limited in time, and come back with it', async () => {
    const clock = new FakeClock();
    const limits = new CallLimits({ clock, callsPerSecond: 10, burst: 2 });
    const call = (caller = ANN): boolean => {
      const end = limits.begin(caller);
      end?.();
      return end !== undefined;
    };
    assert.deepEqual([call(), call(), call()], [true, true, false]);
    assert.deepEqual([call({ ...ANN, pid: 9 }), call(BOB)], [false, true]);
    await clock.advance(100);
    assert.deepEqual([call(), call()], [true, false]);
    await clock.advance(10_000);
    assert.deepEqual([call(), call(), call()], [true, true, false]);
  });

  it('connections of one user are counted', () => {
    const limits = new CallLimits({ clock: new FakeClock(), connections: 1 });
    const end = limits.connect(ANN);
    assert.ok(end !== undefined);
    assert.equal(limits.connect(ANN), undefined);
    assert.ok(limits.connect(BOB) !== undefined);
    end();
    assert.ok(limits.connect(ANN) !== undefined);
  });
});
