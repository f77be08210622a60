import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import type { Member } from '../balance/member.ts';
import { dice, members, tally } from '../members.fixture.ts';
import type { Outcome } from '../outlier/outcome.ts';
import type { OutlierSettings } from '../settings/resilience.ts';
import { Group } from './group.ts';

const OUTLIER: OutlierSettings = {
  consecutive5xx: 3,
  consecutiveGateway: 0,
  consecutiveLocal: 0,
  intervalMs: 1000,
  baseEjectionMs: 5000,
  maxEjectionPercent: 50,
  minHealthPercent: 0,
};

function answer(status: number): Outcome {
  return { end: 'answer', status, milliseconds: 1 };
}

const RESET: Outcome = { end: 'reset', status: 0, milliseconds: 1 };

interface Grouped {
  readonly all: readonly Member[];
  readonly each: Group;
}

function group(count: number, outlier: Partial<OutlierSettings> = {}): Grouped {
  const all = members(count);
  return { all, each: new Group(all, { outlier: { ...OUTLIER, ...outlier }, balancer: { kind: 'random' } }, dice(5)) };
}

const THREE_ERRORS = [answer(500), answer(500), answer(500)];

/** Whether an instance is out because of what it answered. */
function fail(
  { all, each }: Grouped,
  at: { readonly now: number; readonly index?: number },
  outcomes = THREE_ERRORS,
): boolean {
  const member = all[at.index ?? 0];
  assert.ok(member !== undefined);
  return outcomes.map((outcome) => each.saw(member, outcome, at.now)).includes(true);
}

describe('outlier ejection', () => {
  interface Case {
    readonly rule: string;
    readonly settings?: Partial<OutlierSettings>;
    readonly outcomes: readonly Outcome[];
    readonly isOut: boolean;
  }
  const cases: readonly Case[] = [
    { rule: 'so many 5xx in a row', outcomes: [answer(500), answer(503), answer(599)], isOut: true },
    { rule: 'one less', outcomes: [answer(500), answer(503)], isOut: false },
    { rule: 'an answer in between', outcomes: [answer(500), answer(500), answer(200), answer(500)], isOut: false },
    { rule: '4xx are the caller’s', outcomes: [answer(404), answer(429), answer(400)], isOut: false },
    { rule: 'connections that break count as 5xx', outcomes: [RESET, answer(500), RESET], isOut: true },
    {
      rule: 'gateway errors alone',
      settings: { consecutive5xx: 0, consecutiveGateway: 2 },
      outcomes: [answer(502), answer(504)],
      isOut: true,
    },
    {
      rule: '500 is no error of a gateway',
      settings: { consecutive5xx: 0, consecutiveGateway: 2 },
      outcomes: [answer(502), answer(500), answer(502)],
      isOut: false,
    },
    {
      rule: 'errors without an answer, counted apart',
      settings: { consecutiveLocal: 2 },
      outcomes: [RESET, RESET],
      isOut: true,
    },
    {
      rule: 'counted apart, they are no 5xx',
      settings: { consecutiveLocal: 5 },
      outcomes: [RESET, RESET, RESET],
      isOut: false,
    },
    {
      rule: 'a count of 0 is off',
      settings: { consecutive5xx: 0 },
      outcomes: [RESET, RESET, RESET, RESET],
      isOut: false,
    },
  ];
  for (const { rule, settings, outcomes, isOut } of cases) {
    it(`${rule}: ${isOut ? 'out' : 'in'}`, () => {
      const here = group(4, settings);
      assert.equal(fail(here, { now: 0 }, [...outcomes]), isOut);
      assert.equal(tally(200, () => here.each.pick(1)).has('i0'), !isOut);
    });
  }

  it('an ejection ends, and the next one is longer', () => {
    const here = group(4);
    const { each } = here;
    fail(here, { now: 0 });
    assert.equal(tally(200, () => each.pick(4999)).has('i0'), false);
    assert.equal(tally(200, () => each.pick(5000)).has('i0'), true);
    fail(here, { now: 5100 });
    assert.equal(tally(200, () => each.pick(15_000)).has('i0'), false);
    assert.equal(tally(200, () => each.pick(15_200)).has('i0'), true);
  });

  it('time without errors forgives earlier ejections', () => {
    const here = group(4);
    fail(here, { now: 0 });
    fail(here, { now: 60_000 });
    assert.equal(tally(200, () => here.each.pick(65_001)).has('i0'), true);
  });

  it('no more than the share that may be out', () => {
    const here = group(4);
    assert.deepEqual(
      here.all.map((_, index) => fail(here, { now: 0, index })),
      [true, true, false, false],
    );
  });

  it('of two one may be out, whatever the share; the last one never', () => {
    const here = group(2, { maxEjectionPercent: 10 });
    assert.deepEqual(
      here.all.map((_, index) => fail(here, { now: 0, index })),
      [true, false],
    );
    const alone = group(1, { maxEjectionPercent: 50 });
    assert.equal(fail(alone, { now: 0 }), false);
  });

  it('with too few in, all are used as if nobody had been looked at', () => {
    const here = group(4, { maxEjectionPercent: 100, minHealthPercent: 50 });
    for (const index of [0, 1, 2]) fail(here, { now: 0, index });
    assert.equal(tally(400, () => here.each.pick(1)).size, 4);
  });

  it('an instance that is out stays out when the service changes', () => {
    const here = group(4);
    fail(here, { now: 0 });
    const next = new Group(here.all, here.each.policy, dice(6));
    assert.equal(tally(200, () => next.pick(1)).has('i0'), false);
  });

  it('an ejected instance is given nothing, but where a rule says so (any answers, in any order)', () => {
    const percent = fc.integer({ min: 0, max: 100 });
    const event = fc.record({ member: fc.nat(5), status: fc.constantFrom(200, 500, 503), after: fc.nat(2000) });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 100 }), percent, percent, (events, most, least) => {
        const { all, each } = group(6, { maxEjectionPercent: most, minHealthPercent: least, consecutive5xx: 2 });
        let now = 0;
        for (const { member, status, after } of events) {
          now += after;
          const one = all[member];
          if (one !== undefined) each.saw(one, answer(status), now);
          const out = each.ejected(now).length;
          assert.ok(out <= Math.max(most > 0 ? 1 : 0, Math.floor((6 * most) / 100)), 'more are out than may be');
          const picked = each.pick(now);
          const isPanic = 6 - out < (6 * least) / 100;
          if (isPanic) assert.ok(picked !== undefined);
          else if (out === 6) assert.equal(picked, undefined);
          else assert.ok(picked !== undefined && picked.ejectedUntil <= now, 'an ejected instance was picked');
        }
      }),
    );
  });
});

describe('instances that were tried before', () => {
  it('are not tried again while there is another', () => {
    const { all, each } = group(5);
    const avoid = new Set(all.slice(0, 2));
    for (let time = 0; time < 200; time += 1) assert.ok(!avoid.has(each.pick(0, { avoid }) ?? ({} as Member)));
  });

  it('are tried again where there is none', () => {
    const { all, each } = group(2);
    assert.ok(each.pick(0, { avoid: new Set(all) }) !== undefined);
  });
});
