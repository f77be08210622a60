import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from '../../testing/calls.ts';
import { anyRequest, anyRule, policyOf, WEB } from '../../testing/random-rules.fixture.ts';
import { ruleCovers } from './coverage.ts';

test('what a covered rule matches, the rule that covers it matches as well', () => {
  const callers = fc.constantFrom(WEB, 'cluster.local/ns/web/sa/batch', 'cluster.local/ns/w/sa/x', null);
  let covered = 0;
  fc.assert(
    fc.property(anyRule, anyRule, fc.array(fc.tuple(anyRequest, callers), { minLength: 5 }), (a, b, requests) => {
      const wide = policyOf('wide', { rules: [a] });
      const narrow = policyOf('narrow', { rules: [b] });
      const [first] = wide.spec.rules ?? [];
      const [second] = narrow.spec.rules ?? [];
      assert.ok(first !== undefined && second !== undefined);
      if (!ruleCovers(first, second)) return;
      covered += 1;
      for (const [request, principal] of requests) {
        const call = { ...request, principal };
        if (judge([narrow], call).decision === 'ALLOW') assert.equal(judge([wide], call).decision, 'ALLOW');
      }
    }),
    { numRuns: 20_000 },
  );
  assert.ok(covered > 100, `only ${covered} rules were covered`);
});
