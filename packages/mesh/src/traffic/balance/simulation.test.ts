import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { Group } from '../group/group.ts';
import { dice, members } from '../members.fixture.ts';
import type { BalancerSettings } from '../settings/balancing.ts';
import type { Member } from './member.ts';

interface Simulated {
  readonly p50: number;
  readonly p99: number;
  readonly served: ReadonlyMap<string, number>;
}

interface World {
  readonly settings: BalancerSettings;
  readonly requests: number;
  /** Milliseconds between requests. */
  readonly gap: number;
  /** How long an instance takes for one request; it takes one at a time. */
  serviceTime(index: number, now: number): number;
  readonly instances?: number;
}

/** Ten instances that take one request at a time, and callers that come whatever happens. */
function simulate({ settings, requests, gap, serviceTime, instances = 10 }: World): Simulated {
  const random = dice(11);
  const all = members(instances);
  const group = new Group(all, { balancer: settings }, random);
  const freeAt = new Map<Member, number>();
  const ends: { readonly at: number; readonly member: Member; readonly took: number }[] = [];
  const latencies: number[] = [];
  const served = new Map<string, number>();
  let now = 0;
  for (let request = 0; request < requests; request += 1) {
    now += gap * (0.5 + random());
    ends.sort((one, other) => one.at - other.at);
    while ((ends[0]?.at ?? Number.POSITIVE_INFINITY) <= now) {
      const end = ends.shift();
      if (end === undefined) break;
      end.member.inFlight -= 1;
      group.saw(end.member, { end: 'answer', status: 200, milliseconds: end.took }, end.at);
    }
    const member = group.pick(now);
    assert.ok(member !== undefined);
    member.inFlight += 1;
    const start = Math.max(now, freeAt.get(member) ?? 0);
    const at = start + serviceTime(all.indexOf(member), now);
    freeAt.set(member, at);
    ends.push({ at, member, took: at - now });
    latencies.push(at - now);
    served.set(member.endpoint.instanceId, (served.get(member.endpoint.instanceId) ?? 0) + 1);
  }
  latencies.sort((one, other) => one - other);
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0;
  return { p50: at(0.5), p99: at(0.99), served };
}

const ONE_SLOW: Omit<World, 'settings'> = {
  requests: 6000,
  gap: 0.3,
  serviceTime: (index) => (index === 0 ? 20 : 2),
};

describe('one instance ten times slower than nine others', () => {
  const byLatency = simulate({ ...ONE_SLOW, settings: { kind: 'least-request' } });
  const byRequests = simulate({ ...ONE_SLOW, settings: { kind: 'least-request', cost: 'active' } });
  const inTurn = simulate({ ...ONE_SLOW, settings: { kind: 'round-robin' } });

  it('the p99 of choosing by latency is the best', () => {
    assert.ok(byLatency.p99 < byRequests.p99 * 0.7, `${byLatency.p99} beside ${byRequests.p99}`);
    assert.ok(byRequests.p99 < inTurn.p99, `${byRequests.p99} beside ${inTurn.p99}`);
  });

  it('nobody starves: the slow one is tried now and then, the others share the rest', () => {
    assert.equal(byLatency.served.size, 10);
    for (const [id, count] of byLatency.served) {
      if (id === 'i0') assert.ok(count >= 1 && count < 60, `the slow one served ${count}`);
      else assert.ok(count > 300 && count < 1300, `${id} served ${count}`);
    }
  });

  it('one that was slow and is quick again is given its share again', () => {
    const { served } = simulate({
      settings: { kind: 'least-request' },
      requests: 60_000,
      gap: 2,
      serviceTime: (index, now) => (index === 0 && now < 5000 ? 20 : 2),
      instances: 3,
    });
    assert.ok((served.get('i0') ?? 0) > 6000, `${served.get('i0')}`);
  });
});

describe('a thundering herd', () => {
  it('a thousand requests at the same moment are spread, whatever nothing is known of', () => {
    const { served } = simulate({
      settings: { kind: 'least-request' },
      requests: 1000,
      gap: 0,
      serviceTime: () => 5,
    });
    for (const [id, count] of served) assert.ok(count > 60 && count < 140, `${id} served ${count}`);
  });
});
