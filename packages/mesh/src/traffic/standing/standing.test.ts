import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { FakeClock } from '@rampart/testkit/fake-clock';

import { dice, endpoint, serviceOf } from '../members.fixture.ts';
import type { GroupPolicy } from '../settings/group-policy.ts';
import { Traffic } from '../traffic.ts';
import { StandingReport } from './standing.ts';
import type { TrafficStanding } from './standing.ts';

const UNIX_TIME = 1_800_000_000_000;
const EJECTING: GroupPolicy = {
  outlier: {
    consecutive5xx: 1,
    consecutiveGateway: 0,
    consecutiveLocal: 0,
    intervalMs: 10_000,
    baseEjectionMs: 5000,
    maxEjectionPercent: 50,
    minHealthPercent: 0,
  },
  limits: { requests: 1, pending: 0 },
};

function world() {
  const clock = new FakeClock(UNIX_TIME);
  const report = new StandingReport();
  const told: TrafficStanding[] = [];
  report.observe((standing) => told.push(standing));
  const service = serviceOf([endpoint(0), endpoint(1)]);
  const rules = { policy: () => EJECTING, subset: () => undefined };
  const traffic = new Traffic({
    clock,
    stopwatch: { elapsed: () => clock.now() - UNIX_TIME },
    random: dice(1),
    rules: () => ({ forService: () => rules }),
    reach: () => service,
    caller: () => 'me',
    report,
  });
  const destination = traffic.destination({ service, port: 80, rules }, undefined);
  assert.ok('group' in destination);
  return { clock, report, told, ...destination };
}

describe('what a data plane gives no requests to', () => {
  it('is told once, and once more when it is over', async () => {
    const { clock, told, group } = world();
    const [member] = group.members;
    assert.ok(member !== undefined);
    group.saw(member, { end: 'answer', status: 500, milliseconds: 1 }, 0);
    await clock.advance(10_000);
    const ejected = [{ namespace: 'default', service: 'a', instanceId: 'i0', until: UNIX_TIME + 5000 }];
    assert.deepEqual(told, [
      { ejected, breakers: [], retried: [] },
      { ejected: [], breakers: [], retried: [] },
    ]);
  });

  it('has a breaker that turned somebody away since the last look, and one that would', async () => {
    const { clock, report, breaker } = world();
    const open = [{ namespace: 'default', service: 'a', subset: '' }];
    assert.equal(breaker.enter({ admitted: () => undefined }), 'in');
    await clock.advance(1000);
    assert.deepEqual(report.current.breakers, open);
    assert.equal(breaker.enter({ admitted: () => undefined }), 'overflow');
    breaker.leave();
    await clock.advance(1000);
    assert.deepEqual(report.current.breakers, open, 'it was full a moment ago');
    await clock.advance(1000);
    assert.deepEqual(report.current.breakers, []);
  });

  it('asks services again, for ten seconds', async () => {
    const { clock, report, budget } = world();
    budget.take(0);
    budget.take(0);
    await clock.advance(1000);
    assert.deepEqual(report.current.retried, [{ namespace: 'default', service: 'a', lately: 2 }]);
    await clock.advance(10_000);
    assert.deepEqual(report.current.retried, []);
  });

  it('is one for several processes, as long as they are there', () => {
    const report = new StandingReport();
    const [one, other] = [{}, {}];
    const open = { namespace: 'default', service: 'a', subset: '' };
    const out = { namespace: 'default', service: 'a', instanceId: 'i0', until: 5 };
    const retried = { namespace: 'default', service: 'a', lately: 2 };
    report.set({ ejected: [out], breakers: [open], retried: [retried] }, one);
    report.set({ ejected: [{ ...out, until: 9 }], breakers: [open], retried: [retried] }, other);
    const both = { ejected: [{ ...out, until: 9 }], breakers: [open], retried: [{ ...retried, lately: 4 }] };
    assert.deepEqual(report.current, both);
    report.leave(other);
    assert.deepEqual(report.current, { ejected: [out], breakers: [open], retried: [retried] });
    report.leave(one);
    assert.deepEqual(report.current, { ejected: [], breakers: [], retried: [] });
  });
});
