import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectionOf } from '../../../testing/calls.ts';
import { policyOf } from '../../../testing/documents.ts';
import { factsOf } from '../checks/check.ts';
import { compilePolicy, rulesOf } from '../policy.ts';
import type { LiveRules } from './live-rules.ts';
import { RuleSet } from './rule-set.ts';

const named = ['a', 'b'].map((account) =>
  policyOf(`- {from: [{source: {principals: [td/ns/x/sa/${account}]}}], to: [{operation: {paths: ["/${account}"]}}]}`),
);

/** What is live for callers, where so many rules name nobody. */
function liveFor(open: number): (account: string) => LiveRules<string> {
  const others = Array.from({ length: open }, (_, index) =>
    policyOf(`- to: [{operation: {paths: ["/open/${index}"]}}]`),
  );
  const compiled = [...named, ...others].map((policy) => compilePolicy(policy, { names: ['td'] }));
  const rules = new RuleSet(rulesOf(compiled), ({ policy }) => policy.name);
  return (account) => rules.live(factsOf(connectionOf({ principal: `td/ns/x/sa/${account}` })), 'mTLS');
}

test('many rules that name nobody are kept once for all callers, whatever each caller has besides', () => {
  const live = liveFor(500);
  const [a, b] = [live('a'), live('b')];
  assert.deepEqual([a.rules.length, b.rules.length], [1, 1]);
  assert.ok(a.shared !== undefined && a.shared === b.shared);
  assert.equal(a.shared.rules.length, 500);
  assert.equal(live('c'), a.shared);
});

test('few of them stand among a caller’s own', () => {
  const live = liveFor(3)('a');
  assert.deepEqual([live.rules.length, live.shared], [4, undefined]);
});
