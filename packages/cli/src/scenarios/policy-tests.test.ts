import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { type Outcome, runIn } from './mesh.ts';

const POLICIES = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: orders, namespace: shop }
spec:
  selector: { matchLabels: { app: orders } }
  rules:
    - from: [{ source: { principals: [cluster.local/ns/shop/sa/web] } }]
      to: [{ operation: { methods: [GET], paths: [/orders/*] } }]
    - from: [{ source: { namespaces: [ops] } }]
`;
const HEAD = 'apiVersion: rampart.dev/v1\nkind: PolicyTest\n';
const TESTS = `${HEAD}policies:
  - file: policies/orders.yaml
workloads:
  orders.shop: { labels: { app: orders }, port: 8080 }
tests:
  - name: web reads orders
    from: shop/web
    to: orders.shop
    path: [/orders/1, /orders/2?full=true]
    expect: { decision: ALLOW, policy: shop/orders, rule: 0 }
  - name: nobody else does
    from: [none, shop/batch, spiffe://other.example/ns/shop/sa/web]
    to: orders.shop
    method: [GET, POST]
    path: /orders/1
    expect: DENY
  - name: operations may do anything
    from: ops/admin
    to: orders.shop
    method: DELETE
    expect: { decision: ALLOW, rule: 1 }
`;
const FAILING = `${HEAD}tests:
  - name: "<wrong> & on purpose #1"
    from: ops/admin
    to: orders.shop
    expect: { decision: DENY, policy: shop/deny-all }
`;

suite('authz test', () => {
  let folder: string;
  const rampart = (line: string, stdin?: string): Promise<Outcome> =>
    runIn(line.split(' '), { workingDirectory: folder, ...(stdin === undefined ? {} : { stdin }) });
  const problemsOf = async (text: string): Promise<string> => {
    const { code, stderr } = await rampart('authz test -', text);
    assert.equal(code, 1);
    return stderr;
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rampart-authz-test-'));
    await mkdir(join(folder, 'policies'));
    await writeFile(join(folder, 'policies/orders.yaml'), POLICIES);
    await writeFile(join(folder, 'orders.test.yaml'), TESTS);
    await mkdir(join(folder, 'failing'));
    await writeFile(join(folder, 'failing/wrong.test.yaml'), FAILING);
    await writeFile(join(folder, 'failing/policies.yaml'), POLICIES);
  });
  after(() => rm(folder, { recursive: true }));

  test('passes when every request gets its decision', async () => {
    const { code, stdout } = await rampart('authz test orders.test.yaml');
    assert.equal(code, 0, stdout);
    assert.equal(
      stdout,
      [
        'orders.test.yaml',
        '  ok    web reads orders (2 requests)',
        '  ok    nobody else does (6 requests)',
        '  ok    operations may do anything',
        '',
        '3 passed, 0 failed',
        '',
      ].join('\n'),
    );
  });

  test('fails when one does not, and says what was decided, by whom and why', async () => {
    const { code, stdout } = await rampart('authz test failing');
    assert.equal(code, 1);
    assert.match(stdout, /\n {2}FAIL {2}<wrong> & on purpose #1 {2}failing\/wrong\.test\.yaml:4:5\n/);
    assert.match(stdout, /\n {8}GET \/ {2}ops\/admin → orders\.shop\n/);
    assert.match(
      stdout,
      /decision is ALLOW, expected DENY; policy is none, expected shop\/deny-all\n {10}by no policy: /,
    );
    assert.match(stdout, /\n0 passed, 1 failed\n$/);
    const { failed, files } = JSON.parse((await rampart('authz test failing -o json')).stdout) as {
      readonly failed: number;
      readonly files: readonly { readonly tests: readonly { readonly line: number; readonly passed: boolean }[] }[];
    };
    assert.deepEqual([failed, files[0]?.tests[0]?.line, files[0]?.tests[0]?.passed], [1, 4, false]);
  });

  test('takes further policies, and names rules that no test is decided by', async () => {
    const { stdout } = await rampart('authz test failing -f policies');
    assert.match(stdout, /\n {2}no test is decided by shop\/orders rules\[0\]\n/);
  });

  test('judges NetworkPolicies by the labels of callers that are workloads', async () => {
    const text = `${HEAD}policies:
  - apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: { name: frontends, namespace: shop }
    spec:
      podSelector: { matchLabels: { app: orders } }
      ingress: [{ from: [{ podSelector: { matchLabels: { tier: front } } }] }]
workloads:
  orders.shop: { port: 8080 }
  web.shop: { labels: { tier: front } }
tests:
  - { name: web may connect, from: shop/web, to: orders.shop, expect: ALLOW }
  - { name: nobody else, from: [shop/batch, none], to: orders.shop, expect: DENY }
`;
    const { code, stdout } = await rampart('authz test -', text);
    assert.equal(code, 0, stdout);
  });

  test('writes TAP 14', async () => {
    const { code, stdout } = await rampart('authz test orders.test.yaml failing -o tap');
    assert.equal(code, 1);
    const lines = stdout.split('\n');
    assert.deepEqual(lines.slice(0, 3), ['TAP version 14', '1..4', 'ok 1 - orders.test.yaml: web reads orders']);
    assert.ok(lines.includes('not ok 4 - failing/wrong.test.yaml: <wrong> & on purpose \\#1'));
    assert.deepEqual(lines.slice(6, 8), ['  ---', '  at: failing/wrong.test.yaml:4:5']);
    assert.equal(lines.at(-2), '  ...');
  });

  test('writes JUnit XML', async () => {
    const { stdout } = await rampart('authz test orders.test.yaml failing -o junit');
    assert.match(stdout, /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<testsuites tests="4" failures="1" errors="0"/);
    assert.match(stdout, /<testsuite name="orders\.test\.yaml" tests="3" failures="0"/);
    assert.match(stdout, /<testcase name="&lt;wrong&gt; &amp; on purpose #1" classname="failing\/wrong\.test\.yaml"/);
    assert.equal(stdout.match(/<testcase /g)?.length, 4);
    assert.equal(stdout.match(/<failure /g)?.length, 1);
  });

  const wrong: readonly (readonly [what: string, text: string, problem: RegExp])[] = [
    ['a missing kind', 'tests: []\n', /<stdin>:1:1: has no kind: add kind: PolicyTest/],
    ['no tests', `${HEAD}tests: []\n`, /<stdin>:3:8: tests: must hold at least one test/],
    [
      'an unknown field',
      `${HEAD}tests:\n  - name: a\n    too: x\n`,
      /<stdin>:5:5: tests\[0\]\.too: unknown field "too"; did you mean "to"\?/,
    ],
    [
      'a missing expectation',
      `${HEAD}tests:\n  - name: a\n    to: x.y\n`,
      /<stdin>:4:5: tests\[0\]: has no expect: add it/,
    ],
    [
      'a wrong decision',
      `${HEAD}tests:\n  - { name: a, to: x.y, expect: ALOW }\n`,
      /<stdin>:4:33: tests\[0\]\.expect: unknown value "ALOW"; did you mean "ALLOW"\?/,
    ],
    [
      'a service that is no workload',
      `${HEAD}workloads: { orders.shop: {} }\ntests:\n  - { name: a, to: order.shop, expect: ALLOW }\n`,
      /<stdin>:5:20: tests\[0\]\.to: is not among the workloads; did you mean "orders\.shop"\?/,
    ],
    [
      'a caller that is none',
      `${HEAD}tests:\n  - { name: a, from: web, to: x.y, expect: ALLOW }\n`,
      /<stdin>:4:22: tests\[0\]\.from: must be namespace\/service-account, a SPIFFE ID, or none/,
    ],
    [
      'a path without slash',
      `${HEAD}tests:\n  - { name: a, to: x.y, path: orders, expect: ALLOW }\n`,
      /<stdin>:4:31: tests\[0\]\.path: .*must be a path/,
    ],
    [
      'a method in lower case',
      `${HEAD}tests:\n  - { name: a, to: x.y, method: get, expect: ALLOW }\n`,
      /<stdin>:4:33: tests\[0\]\.method: must be an HTTP method in upper case/,
    ],
    [
      'a token without issuer',
      `${HEAD}tests:\n  - { name: a, to: x.y, token: {sub: a}, expect: ALLOW }\n`,
      /<stdin>:4:32: tests\[0\]\.token: has no iss/,
    ],
    [
      'an inline policy with a mistake',
      `${HEAD}policies:\n  - apiVersion: security.istio.io/v1\n    kind: PeerAuthentication\n    metadata: { name: a }\n    spec: { mtls: { mode: STRCIT } }\ntests:\n  - { name: a, to: x.y, expect: ALLOW }\n`,
      /<stdin>:7:27: policies\[0\]\.spec\.mtls\.mode: unknown value "STRCIT"/,
    ],
    [
      'a file that is not there',
      `${HEAD}policies: [{ file: no-such.yaml }]\ntests:\n  - { name: a, to: x.y, expect: ALLOW }\n`,
      /<stdin>:3:12: cannot read no-such\.yaml: no such file/,
    ],
    ['two documents', `${HEAD}---\na: 1\n`, /must be one document/],
    ['nothing', '', /holds nothing/],
    ['what is no YAML', '{', /<stdin>:\d+:\d+: /],
  ];
  for (const [what, text, problem] of wrong) {
    test(`refuses ${what}, with its place`, async () => {
      const stderr = await problemsOf(text);
      assert.match(stderr, problem);
      assert.match(stderr, /error: refused for \d+ problems?; no test was run\n$/);
    });
  }
});
