import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anyCall, anyPolicies } from '../../test-support/arbitraries.ts';
import { compile, connectionOf, judge, requestOf } from '../../test-support/calls.ts';
import { naiveDecision } from '../../test-support/naive-evaluator.ts';
import { parseResource, toJson } from '../index.ts';

const RUNS = { numRuns: 4000 };

test('the evaluator decides what a plain reading of the rules decides', () => {
  const seen = { ALLOW: 0, DENY: 0 };
  fc.assert(
    fc.property(anyPolicies, anyCall, (policies, call) => {
      const expected = naiveDecision(policies, call);
      seen[expected] += 1;
      assert.equal(judge(policies, call).decision, expected);
    }),
    RUNS,
  );
  assert.ok(seen.ALLOW > RUNS.numRuns / 10 && seen.DENY > RUNS.numRuns / 10, JSON.stringify(seen));
});

test('the order of policies has no part in the verdict', () => {
  fc.assert(
    fc.property(anyPolicies, anyCall, (policies, call) => {
      assert.deepEqual(judge(policies.toReversed(), call), judge(policies, call));
    }),
    { numRuns: 1000 },
  );
});

test('what refuses a connection refuses every request on it', () => {
  fc.assert(
    fc.property(anyPolicies, anyCall, (policies, call) => {
      const connection = compile(policies).forConnection(connectionOf(call));
      if (connection.admit() !== undefined) assert.equal(connection.evaluate(requestOf(call)).decision, 'DENY');
    }),
    { numRuns: 1000 },
  );
});

test('traffic without HTTP is never allowed what HTTP on the same connection could not be', () => {
  fc.assert(
    fc.property(anyPolicies, anyCall, (policies, call) => {
      const connection = compile(policies).forConnection(connectionOf(call));
      if (connection.evaluateTcp().decision === 'ALLOW') {
        assert.equal(connection.evaluate(requestOf(call)).decision, 'ALLOW');
      }
    }),
    { numRuns: 1000 },
  );
});

test('a policy says the same after a journey over the wire', () => {
  fc.assert(
    fc.property(anyPolicies, (policies) => {
      for (const policy of policies) {
        const parsed = parseResource(JSON.parse(toJson(policy)));
        assert.ok(parsed.ok);
        assert.deepEqual(parsed.value, policy);
      }
    }),
    { numRuns: 500 },
  );
});

test('every denial says why in one line', () => {
  fc.assert(
    fc.property(anyPolicies, anyCall, (policies, call) => {
      const { decision, reason } = judge(policies, call);
      assert.match(reason, /^[^\n]+$/);
      if (decision === 'DENY') assert.match(reason, /rules\[\d+\]|has no rules/);
    }),
    { numRuns: 1000 },
  );
});
