import { judgeCall, policyFor, type MeshFacts, type Question } from '../../policy/question.ts';
import type { Verdict } from '../../policy/verdict.ts';
import type { WorkloadPolicy } from '../../policy/workload-policy.ts';
import { isDryRun } from '../../resource/dry-run.ts';
import { qualifiedName, type Resource } from '../../resource/resource.ts';
import type { Expectation, PolicyTestCase, PolicyTestSuite } from './suite.ts';

export interface SuiteResult {
  readonly file: string;
  readonly cases: readonly CaseResult[];
  /** Rules of enforced policies that decided no request of any test: "shop/orders rules[1]". */
  readonly untestedRules: readonly string[];
}

export interface CaseResult {
  readonly test: PolicyTestCase;
  /** Requests that did not meet the expectation; empty when the test has passed. */
  readonly failures: readonly CaseFailure[];
}

/** A request that was decided otherwise than expected. */
export interface CaseFailure {
  readonly question: Question;
  readonly verdict: Verdict;
  /** "decision is ALLOW, expected DENY". */
  readonly differences: readonly string[];
}

/** Runs the tests of a file against its own policies and `resources`, those of the files that it names. */
export function runPolicyTests(suite: PolicyTestSuite, resources: readonly Resource[]): SuiteResult {
  const { trustDomain, rootNamespace } = suite;
  const mesh = { trustDomain, rootNamespace, resources: [...suite.policies, ...resources] };
  const compiled = new CompiledPolicies(mesh);
  const decided = new Set<string>();
  const cases = suite.tests.map((test): CaseResult => ({
    test,
    failures: test.questions.flatMap((question) => {
      const verdict = judgeCall(compiled.of(question), question, mesh);
      if (verdict.rule >= 0 && verdict.decision === (verdict.action === 'DENY' ? 'DENY' : 'ALLOW')) {
        decided.add(`${verdict.policy} rules[${verdict.rule}]`);
      }
      const differences = differencesOf(verdict, test.expected);
      return differences.length === 0 ? [] : [{ question, verdict, differences }];
    }),
  }));
  return { file: suite.file, cases, untestedRules: ruleNames(mesh.resources).filter((name) => !decided.has(name)) };
}

/** Policies of each workload, compiled once however many requests are about it. */
class CompiledPolicies {
  readonly #mesh: MeshFacts;
  readonly #byWorkload = new Map<string, WorkloadPolicy>();

  constructor(mesh: MeshFacts) {
    this.#mesh = mesh;
  }

  of({ to }: Question): WorkloadPolicy {
    const key = JSON.stringify([to.namespace, to.serviceAccount, Object.entries(to.labels)]);
    const policy = this.#byWorkload.get(key) ?? policyFor(to, this.#mesh);
    this.#byWorkload.set(key, policy);
    return policy;
  }
}

function differencesOf(verdict: Verdict, expected: Expectation): readonly string[] {
  const differences: string[] = [];
  for (const field of ['decision', 'policy', 'rule'] as const) {
    const wanted = expected[field];
    if (wanted === undefined || wanted === verdict[field]) continue;
    differences.push(`${field} is ${verdict[field] === '' ? 'none' : verdict[field]}, expected ${wanted}`);
  }
  if (expected.reason !== undefined && !verdict.reason.includes(expected.reason)) {
    differences.push(`reason does not hold ${JSON.stringify(expected.reason)}`);
  }
  return differences;
}

function ruleNames(resources: readonly Resource[]): readonly string[] {
  return resources.flatMap((resource) => {
    if (resource.kind !== 'AuthorizationPolicy' || isDryRun(resource)) return [];
    const { action, rules = [] } = resource.spec;
    if (action !== 'ALLOW' && action !== 'DENY') return [];
    return rules.map((_, index) => `${qualifiedName(resource)} rules[${index}]`);
  });
}
