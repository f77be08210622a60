import assert from 'node:assert/strict';

import { describeProblem } from '@rampart/core';
import { accessMatrix, analyze, parsePolicyTests, runPolicyTests } from '@rampart/core/analysis';

import { outcome, textOf, type FuzzTarget } from '../engine/target.ts';

const HEAD = 'apiVersion: rampart.dev/v1\nkind: PolicyTest\n';
const SOUND = `${HEAD}policies:
  - apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy
    metadata: { name: orders, namespace: shop }
    spec:
      selector: { matchLabels: { app: orders } }
      rules:
        - from: [{ source: { principals: ["cluster.local/ns/shop/sa/web", "*/sa/x"], notNamespaces: [a*b] } }]
          to: [{ operation: { methods: [GET], paths: ["/a/{*}/b", "/c/*"], ports: ["8080"] } }]
        - from: [{ source: { requestPrincipals: ["https://a/*"] } }, { source: { ipBlocks: [10.0.0.0/8] } }]
          when: [{ key: "request.headers[x-api-key]", values: [secret-value] }]
  - apiVersion: security.istio.io/v1
    kind: RequestAuthentication
    metadata: { name: users, namespace: shop }
    spec: { jwtRules: [{ issuer: "https://a", audiences: [x] }] }
workloads:
  orders.shop: { labels: { app: orders }, port: 8080, protocol: tcp }
tests:
  - { name: a, from: [none, shop/web], to: orders.shop, method: [GET, POST], path: [/, /a/b/b], expect: DENY }
  - { name: b, to: orders.shop, token: { iss: "https://a", sub: ann, aud: [x] }, expect: { decision: ALLOW, rule: 1 } }
  - { name: c, to: orders.shop, headers: { X-Api-Key: b }, sourceIp: 10.0.0.1, host: h, port: 1, expect: ALLOW }
`;

/** Files of policy tests; those that are sound are run, linted and explained. */
export const policyTests: FuzzTarget = {
  name: 'policy-tests',
  form: 'text',
  seeds: [SOUND, `${HEAD}tests:\n  - { name: a, to: x, expect: ALLOW }\n`, `${HEAD}tests: []\n`],
  words: [
    '- ',
    ': ',
    '{',
    '}',
    '[',
    ']',
    '*',
    '{*}',
    '{**}',
    '/',
    '%2f',
    '..',
    'none',
    'expect',
    'token',
    'iss',
    'spiffe://',
    'workloads',
    'policies',
    'file: x',
    'principals',
    'notPaths',
    'DENY',
    '__proto__',
    'constructor',
    '\ud800',
  ],
  run: (input) => {
    const { suite, problems } = parsePolicyTests(textOf(input), 'fuzz.test.yaml');
    for (const problem of problems) {
      assert.doesNotMatch(describeProblem(problem), /[\n\r\u2028\u2029]/, 'a problem is one line');
      assert.ok(problem.line >= 1 && problem.column >= 1, 'a problem has a place');
    }
    if (suite === undefined) return outcome(problems[0]?.message ?? '');
    const { cases } = runPolicyTests(suite, []);
    const failed = cases.filter(({ failures }) => failures.length > 0).length;
    const mesh = { resources: suite.policies, rootNamespace: suite.rootNamespace, trustDomain: suite.trustDomain };
    const callees = suite.tests.flatMap(({ questions }) => questions.slice(0, 1).map(({ to }) => to));
    const rows = callees.flatMap((callee) => accessMatrix(callee, mesh).callers.map(({ access }) => access));
    const { findings } = analyze({ ...mesh, workloads: undefined });
    return outcome(`${failed} ${[...new Set(rows)].join()} ${[...new Set(findings.map(({ name }) => name))].join()}`);
  },
};
