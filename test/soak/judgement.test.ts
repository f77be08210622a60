import assert from 'node:assert/strict';
import { test } from 'node:test';

import { flowsOf } from './flow.ts';
import type { Flow, FlowRight } from './flow.ts';
import { Judgement } from './judgement.ts';
import type { Verdict } from './judgement.ts';

function flow(right: FlowRight): Flow {
  const [first] = flowsOf({ name: 'x', right }, 1);
  assert.ok(first);
  return first;
}

const judgement = new Judgement();
judgement.doorIs(false, 0);
judgement.doorMoves(1000);
judgement.doorIs(true, 1100);
judgement.doorMoves(2000);
judgement.casualties.push({ service: 'stock', at: 5000, goneAt: 5000 }, { service: 'orders', at: 7000, goneAt: 7000 });

const cases: readonly (readonly [
  name: string,
  right: FlowRight,
  began: number,
  ended: number,
  code: string,
  Verdict,
])[] = [
  ['an allowed request that passes', 'allowed', 10, 20, 'passed', 'as it should be'],
  ['an allowed request that is denied', 'allowed', 10, 20, 'denied', 'failed'],
  ['an allowed request that fails', 'allowed', 10, 20, '503', 'failed'],
  ['a denied request that passes', 'denied', 10, 20, 'passed', 'breach'],
  ['a denied request that fails', 'denied', 10, 20, 'ECONNRESET', 'turned away'],
  ['through a closed door', 'door', 10, 999, 'passed', 'breach'],
  ['turned away at a closed door', 'door', 10, 999, 'denied', 'as it should be'],
  ['while the door moves', 'door', 10, 1000, 'passed', 'as it should be'],
  ['turned away at an open door', 'door', 1100, 1999, 'denied', 'failed'],
  ['through an open door', 'door', 1100, 1999, 'passed', 'as it should be'],
  ['lost with its instance', 'allowed', 4000, 5001, 'ECONNRESET', 'excused'],
  ['sent while its instance was dying', 'allowed', 5200, 5210, 'ECONNRESET', 'excused'],
  ['sent to an instance long gone', 'allowed', 5300, 5310, 'ECONNRESET', 'failed'],
  ['the first to find out', 'allowed', 6000, 6001, 'ECONNREFUSED connect ECONNREFUSED', 'excused'],
  ['at the same time', 'allowed', 6040, 6041, 'ECONNREFUSED connect ECONNREFUSED', 'excused'],
  ['not having learned from it', 'allowed', 6100, 6101, 'ECONNREFUSED connect ECONNREFUSED', 'failed'],
  ['over before the instance was killed', 'allowed', 4000, 4999, 'ECONNRESET', 'failed'],
  ['lost when another service lost an instance', 'allowed', 6990, 7001, 'ECONNRESET', 'failed'],
  ['denied while an instance dies', 'allowed', 4990, 5001, 'denied', 'failed'],
  ['let in while an instance dies', 'denied', 4990, 5001, 'passed', 'breach'],
];

for (const [name, right, began, ended, code, verdict] of cases) {
  test(`${name}: ${verdict}`, () => {
    assert.equal(judgement.verdictOn({ flow: flow(right), began, ended, code }), verdict);
  });
}
