// Two readings of the rules, held against each other on random policies and calls.
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseResource, toJson, type AuthorizationPolicy, type ConnectionPolicy, type Verdict } from '../index.ts';
import { compile, connectionOf, EVERYTHING, requestOf, type Call } from '../testing/calls.ts';
import { naiveVerdict, type NaiveQuestion, type NaiveVerdict } from '../testing/naive-evaluator.ts';
import { anyCall, anyPolicies, RANDOM_MESH, randomMeshConfig } from '../testing/random-policies.ts';
import type { AuthorizerDemand } from './authorizer-demand.ts';

/** Pairs of policies and calls; more on demand. */
const PAIRS = Number(process.env['RAMPART_AGREEMENT_PAIRS'] ?? 200_000);
const CALLS = 100;
const RUNS = { numRuns: Math.ceil(PAIRS / CALLS) };
const CONFIG = randomMeshConfig();

const anyCalls = fc.array(anyCall, { minLength: CALLS, maxLength: CALLS });

function connect(policies: readonly AuthorizationPolicy[]): (call: Call) => ConnectionPolicy {
  const { trustDomain } = RANDOM_MESH;
  const policy = compile([CONFIG, ...policies], { trustDomain, capabilities: EVERYTHING });
  assert.deepEqual(policy.problems, []);
  return (call) => policy.forConnection(connectionOf(call));
}

/** A verdict and a demand in the words of the naive evaluator. */
function inNaiveWords(verdict: Verdict, demand: AuthorizerDemand | undefined): NaiveVerdict {
  const isMatch = verdict.action !== '' && verdict.decision === (verdict.action === 'DENY' ? 'DENY' : 'ALLOW');
  return {
    decision: verdict.decision,
    by: isMatch ? `${verdict.policy} ${verdict.rule}` : '',
    demand: demand === undefined ? '' : describe(demand),
    audit: verdict.audit,
    dryRun: verdict.dryRun.map(({ policy, would }) => `${would} ${policy}`),
    dryRunDecision: verdict.dryRunDecision,
  };
}

function describe(demand: AuthorizerDemand): string {
  const { policy, rule } = demand.kind === 'ask' ? demand : demand.verdict;
  return `${demand.kind} ${policy} ${rule}`;
}

function agree(policies: readonly AuthorizationPolicy[], calls: readonly Call[]): NaiveVerdict[] {
  const connectionFor = connect(policies);
  return calls.map((call, index) => {
    const connection = connectionFor(call);
    const request = requestOf(call);
    const question: NaiveQuestion = { call, carries: 'http', ...RANDOM_MESH };
    const expected = naiveVerdict(policies, question);
    same(inNaiveWords(connection.evaluate(request), connection.demand(request)), expected);
    if (index % 10 === 0) {
      const overTcp = inNaiveWords(connection.evaluateTcp(), connection.demandTcp());
      same(overTcp, naiveVerdict(policies, { ...question, carries: 'tcp' }));
    }
    return expected;
  });
}

/** Strings are compared first, because a deep comparison costs as much as all the rest. */
function same(actual: NaiveVerdict, expected: NaiveVerdict): void {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) assert.deepEqual(actual, expected);
}

test('the evaluator says what a plain reading of the rules says', () => {
  const seen = { ALLOW: 0, DENY: 0, ask: 0, audit: 0, dryRun: 0 };
  fc.assert(
    fc.property(anyPolicies, anyCalls, (policies, calls) => {
      for (const verdict of agree(policies, calls)) {
        seen[verdict.decision] += 1;
        if (verdict.demand.startsWith('ask')) seen.ask += 1;
        if (verdict.audit.length > 0) seen.audit += 1;
        if (verdict.dryRunDecision !== '' && verdict.dryRunDecision !== verdict.decision) seen.dryRun += 1;
      }
    }),
    RUNS,
  );
  for (const [what, count] of Object.entries(seen)) assert.ok(count > PAIRS / 100, `${what}: ${JSON.stringify(seen)}`);
});

test('the order in which policies arrive has no part in what is said', () => {
  const anyOrders = anyPolicies.chain((policies) =>
    fc.tuple(fc.constant(policies), fc.shuffledSubarray(policies, { minLength: policies.length })),
  );
  fc.assert(
    fc.property(anyOrders, fc.array(anyCall, { minLength: 5, maxLength: 5 }), ([policies, shuffled], calls) => {
      const [connectionFor, shuffledFor] = [connect(policies), connect(shuffled)];
      for (const call of calls) {
        const [verdict, other] = [connectionFor(call), shuffledFor(call)].map((each) => each.evaluate(requestOf(call)));
        assert.equal(JSON.stringify(verdict), JSON.stringify(other));
      }
    }),
    { numRuns: 1000 },
  );
});

test('what refuses a connection refuses every request on it', () => {
  fc.assert(
    fc.property(anyPolicies, anyCall, (policies, call) => {
      const connection = connect(policies)(call);
      if (connection.admit() !== undefined) assert.equal(connection.evaluate(requestOf(call)).decision, 'DENY');
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
    { numRuns: 300 },
  );
});

test('every denial says why in one line', () => {
  fc.assert(
    fc.property(anyPolicies, anyCall, (policies, call) => {
      const { decision, reason } = connect(policies)(call).evaluate(requestOf(call));
      assert.match(reason, /^[^\n]+$/);
      if (decision === 'DENY') assert.match(reason, /rules\[\d+\]|has no rules/);
    }),
    { numRuns: 1000 },
  );
});
