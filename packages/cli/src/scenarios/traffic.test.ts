import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { type Outcome, type ScenarioMesh, startScenarioMesh } from './mesh.ts';

const PROGRAM = join(import.meta.dirname, '../main.ts');
const SERVE = `require('node:http').createServer((q, s) => s.end('ok')).listen(0)`;
const CALL = `
const calls = [...process.argv.slice(1)].map(async (call) => {
  const [method, path] = call.split(' ');
  const answer = await fetch('http://orders' + path, { method });
  await answer.text();
});
Promise.all(calls).then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });`;

const READ_ONLY = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: read-only
spec:
  selector:
    matchLabels:
      app: orders
  rules:
  - to:
    - operation:
        methods: ["GET"]
`;
const SUBSETS = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: orders }
spec:
  host: orders
  trafficPolicy:
    loadBalancer: { simple: ROUND_ROBIN }
    connectionPool: { http: { http2MaxRequests: 8 } }
    outlierDetection: { consecutive5xxErrors: 0, consecutiveGatewayErrors: 2 }
  subsets:
  - { name: here, labels: { app: orders } }
  - { name: later, labels: { version: v2 } }
`;
const BY_TENANT = READ_ONLY.replace('read-only', 'tenants').replace(
  /to:[^]*$/,
  'when:\n    - key: request.headers[x-tenant]\n      values: ["a"]\n',
);

suite('a policy and the traffic there was', { timeout: 120_000 }, () => {
  let mesh: ScenarioMesh;
  const started = new Set<ChildProcess>();

  const rampart = (line: string, stdin?: string): Promise<Outcome> =>
    mesh.run(line.split(' '), stdin === undefined ? {} : { stdin });
  const start = (...words: readonly string[]): ChildProcess => {
    const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` };
    const child = spawn(process.execPath, [PROGRAM, 'run', ...words], { cwd: mesh.folder, env, stdio: 'ignore' });
    started.add(child);
    return child;
  };
  const call = async (account: string, ...calls: readonly string[]): Promise<void> => {
    const caller = start('--service-account', account, '--', 'node', '-e', CALL, ...calls);
    const [code] = (await once(caller, 'exit')) as [number | null];
    assert.equal(code, 0);
  };
  const waitFor = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
    for (const end = Date.now() + 60_000; !(await holds());) assert.ok(Date.now() < end, `waited too long for ${what}`);
  };

  before(async () => {
    mesh = await startScenarioMesh(Date.now);
    await writeFile(join(mesh.folder, 'read-only.yaml'), READ_ONLY);
    await writeFile(join(mesh.folder, 'tenants.yaml'), BY_TENANT);
    start('--service', 'orders', '--', 'node', '-e', SERVE);
    await waitFor('the service', async () => (await rampart('get services -A')).stdout.includes('orders'));
    await call('web', 'GET /orders/1', 'GET /orders/2', 'GET /orders/3', 'GET /orders/4?full=1', 'POST /orders');
    await call('batch', 'GET /export', 'DELETE /orders/1');
    await waitFor('the log', async () => {
      const { stdout } = await rampart('logs --service orders --reporter destination -o json');
      return stdout.trim().split('\n').length === 7;
    });
  });
  after(async () => {
    for (const child of started) child.kill('SIGTERM');
    for (const child of started) if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    assert.equal(await mesh.stop(), 0);
  });

  test('is counted by service, in a table and for scripts', async () => {
    const { code, stdout, stderr } = await rampart('top --window 1m -o json --once');
    assert.equal(code, 0, stderr);
    const { services } = JSON.parse(stdout) as { readonly services: readonly Record<string, unknown>[] };
    const orders = services.find(({ service }) => service === 'orders.default.svc');
    const { requestsPerSecond, p50Ms, p99Ms, ...counts } = orders ?? {};
    assert.deepEqual(counts, {
      service: 'orders.default.svc',
      requests: 7,
      succeeded: 7,
      denied: 0,
      arrived: 7,
      overMtls: 7,
      flags: {},
      instances: 1,
      instancesInService: 1,
      ejectedInstances: [],
      openBreakers: [],
      retriesPerSecond: 0,
    });
    assert.ok(Number(requestsPerSecond) > 0 && Number(p50Ms) > 0 && Number(p99Ms) >= Number(p50Ms));
    const table = await rampart('top orders --window 1m');
    assert.match(
      table.stdout,
      /^SERVICE +INSTANCES +RPS .*\norders\.default\.svc +1\/1 +0\.1 +\S+ ms +\S+ ms +100 % +0 +100 % +0 +0 +0 +-\n$/,
    );
    assert.equal((await rampart('top --window 2m')).code, 2);
  });

  test('is on the page of its service', async () => {
    const { code, stdout, stderr } = await rampart('describe service orders');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^Service {6}orders\.default\.svc\nMutual TLS {3}PERMISSIVE\nIdentities {3}spiffe:\S+\n/);
    assert.match(stdout, /\nINSTANCE .* LABELS .*\n.* passing +1 +- +app=orders +/);
    assert.match(stdout, /\nLast minute:\nSERVICE .*\norders\.default\.svc +1\/1 /);
    const missing = await rampart('describe service nowhere');
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /nowhere\.default\S* is not registered, and nobody calls it/);
  });

  test('is on that page with the subsets that rules make of its instances', async () => {
    assert.equal((await rampart('apply -f -', SUBSETS)).code, 0);
    const { stdout } = await rampart('describe service orders');
    assert.match(stdout, /\nSUBSET +RULE +LABELS +INSTANCES\n/);
    assert.match(stdout, /\nhere +default\/orders +app=orders +127\.0\.0\.1:\d+\n/);
    assert.match(stdout, /\nlater +default\/orders +version=v2 +none: requests to it are answered 503\n/);
    const call = await rampart('describe call orders');
    assert.match(
      call.stdout,
      /\nInstances {4}default\/orders: round-robin, at most 8 requests at a time and none waits,/,
    );
    assert.match(call.stdout, /, out after 2 times 502, 503 or 504\n/);
    assert.equal((await rampart('delete destinationrule orders')).code, 0);
  });

  test('is told which requests a policy would have denied, before it is applied', async () => {
    const { code, stdout } = await rampart('authz simulate -f read-only.yaml');
    assert.equal(code, 1);
    assert.match(stdout, /^DECISION +COUNT +FROM +TO +METHOD +PATH +POLICY +REASON\n/);
    assert.match(
      stdout,
      /\nALLOW → DENY +1 +default\/batch +orders\.default +DELETE +\/orders\/1 +default\/read-only +no ALLOW rule/,
    );
    assert.match(stdout, /\nALLOW → DENY +1 +default\/web +orders\.default +POST +\/orders +/);
    assert.match(
      stdout,
      /\n7 requests since \S+Z \(7 distinct\): 5 unchanged, 2 would be denied, 0 would be allowed, 0 cannot be told\n$/,
    );
    const report = JSON.parse((await rampart('authz simulate -f read-only.yaml -o json')).stdout);
    assert.equal(report.nowDenied, 2);
    assert.deepEqual(JSON.parse((await rampart('get ap -A -o json')).stdout).items, []);
  });

  test('is told what the log does not say', async () => {
    const { code, stdout } = await rampart('authz simulate -f tenants.yaml --since 1h');
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^CANNOT TELL +COUNT +FOR EXAMPLE +WHY\norders\.default +7 +\S+ \S+ from cluster\.local\S+ +AuthorizationPolicy default\/tenants asks header x-tenant/,
    );
    assert.match(stdout, /7 cannot be told\n$/);
  });

  test('is told that nothing is on record', async () => {
    const { code, stdout } = await rampart('authz simulate -f read-only.yaml --since 1ms');
    assert.equal(code, 0);
    assert.match(stdout, /^no request on record since /);
  });

  test('is told who may call what runs, and what nobody protects', async () => {
    const explained = await rampart('authz explain orders -f read-only.yaml');
    assert.match(explained.stdout, /\nwithout identity +GET +- +default\/read-only rules\[0\]\n/);
    const { stdout, stderr } = await rampart('authz explain orders');
    assert.equal(stderr, '');
    assert.match(stdout, /^orders\.default {2}port \d+, service account orders, labels app=orders\n/);
    assert.match(stdout, /\ndefault\/orders +anything +- +no ALLOW policy\n/);
    assert.match(stdout, /\ndefault\/web +anything +- +no ALLOW policy\n/, 'it holds a certificate and serves nothing');
    const { findings, unchecked } = JSON.parse((await rampart('analyze -o json')).stdout) as {
      readonly findings: readonly { readonly code: string; readonly message: string }[];
      readonly unchecked: readonly object[];
    };
    assert.deepEqual(unchecked, []);
    const codes = new Set(findings.map(({ code }) => code));
    assert.match(findings.find(({ code }) => code === 'RAMP2003')?.message ?? '', /service orders\.default/);
    for (const code of ['RAMP4001', 'RAMP4002', 'RAMP4005', 'RAMP4006']) assert.equal(codes.has(code), false, code);
    const laid = await rampart('analyze -f read-only.yaml --with-mesh');
    assert.match(
      laid.stdout,
      /read-only\.yaml:10:5: warning: AuthorizationPolicy default\/read-only .*lets in everybody/,
    );
    assert.doesNotMatch(laid.stdout, /RAMP2003|RAMP3001/);
  });

  test('is told at once: nothing is left that keeps the command from ending', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    for (const line of ['authz explain orders', 'analyze', 'authz simulate -f read-only.yaml', 'logs --history 1']) {
      await rampart(line);
      assert.equal(timers(), before, line);
    }
  });

  test('is told every problem of a candidate with its place', async () => {
    const { code, stderr } = await rampart('authz simulate -f -', READ_ONLY.replace('rules', 'ruels'));
    assert.equal(code, 1);
    assert.match(stderr, /<stdin>:\d+:\d+: spec\.ruels: /);
    assert.equal((await rampart('authz simulate -f -', '')).code, 2);
  });

  test('gets policies that allow the traffic and nothing else, and they hold', async () => {
    const { code, stdout, stderr } = await rampart('authz suggest orders');
    assert.equal(code, 0);
    assert.match(stderr, /^2 rules for 2 callers from 7 requests\n$/);
    assert.match(stdout, /- "cluster\.local\/ns\/default\/sa\/web"\n/);
    assert.match(stdout, /methods: \["GET"\]\n {8}paths:\n {8}- "\/orders\/\{\*\}"\n/);
    await writeFile(join(mesh.folder, 'orders.yaml'), stdout);
    const replayed = await rampart('authz simulate -f orders.yaml');
    assert.equal(replayed.code, 0);
    assert.match(replayed.stdout, /7 unchanged, 0 would be denied/);
    const applied = await rampart('apply -f orders.yaml --wait 60s');
    assert.equal(applied.code, 0);
    assert.match(applied.stderr, /revision \d+, taken by 1 of 1 data plane\n$/);
    for (const [question, expected] of [
      ['--from default/web --method GET --path /orders/99', 0],
      ['--from default/web --method DELETE --path /orders/1', 1],
      ['--from default/batch --method GET --path /export', 0],
      ['--from default/other --method GET --path /orders/1', 1],
      ['--from none --method GET --path /orders/1', 1],
    ] as const)
      assert.equal((await rampart(`authz check --to orders ${question}`)).code, expected, question);
    const report = JSON.parse((await rampart('authz suggest orders -o json')).stdout);
    assert.deepEqual([report.requests, report.rules.length, report.policies.length], [7, 2, 1]);
    assert.match(await readFile(join(mesh.folder, 'orders.yaml'), 'utf8'), /^# Who may call orders\.default/);
  });

  test('says where a call would go: by a gateway, or to a port that nobody serves', async () => {
    const routes = `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: payments }
spec: { hosts: [api.payments.example], ports: [{ number: 80, name: http, protocol: HTTP }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: payments }
spec:
  hosts: [api.payments.example]
  http: [{ route: [{ destination: { host: orders } }] }]
`;
    assert.equal((await rampart('apply -f -', routes)).code, 0);
    const leaving = await rampart('describe call api.payments.example');
    assert.match(
      leaving.stdout,
      /Goes to +100 % +orders\.default\.svc\nLeaves +the mesh there: it is an egress gateway/,
    );
    const unserved = await rampart('describe call orders:9');
    assert.equal(unserved.code, 1);
    assert.match(unserved.stdout, /Refused +no instance of orders\.default\S+ serves port 9 \(known: \d+\)/);
    const nobody = await rampart('describe call nobody');
    assert.deepEqual([nobody.code, /no instance of nobody\.default\S+ is registered/.test(nobody.stdout)], [1, true]);
    const typo = await rampart('apply -f -', routes.replaceAll('host: orders', 'host: orders, port: { number: 9 }'));
    assert.match(typo.stderr, /destination\.port\.number: no instance of orders\S* serves port 9: they serve \d+/);
    const later = routes.replaceAll('host: orders', 'host: carts');
    assert.equal((await rampart('apply -f -', later)).code, 1);
    const allowed = await rampart('apply --allow-unknown-services -f -', later);
    assert.equal(allowed.code, 0);
    assert.match(allowed.stderr, /warning: .*no instance of service carts .*: calls to it fail until it is there/);
    assert.doesNotMatch(allowed.stderr, /--allow-unknown-services/);
  });

  test('cuts off whom there is, and keeps the reason', async () => {
    const nobody = await rampart('quarantine default/nobody');
    assert.deepEqual([nobody.code, /nobody was ever given a certificate/.test(nobody.stderr)], [1, true]);
    const none = await rampart('quarantine none');
    assert.deepEqual([none.code, /callers without identity/.test(none.stderr)], [2, true]);
    assert.equal((await rampart('quarantine default/nobody --allow-unknown --reason stolen')).code, 0);
    assert.equal((await rampart('quarantine default/nobody')).code, 0);
    assert.match((await rampart('quarantine --list')).stdout, /sa\/nobody .* stolen\n/);
    assert.equal((await rampart('quarantine default/nobody --lift')).code, 0);
  });

  test('is told of a service that nobody called', async () => {
    const { code, stderr } = await rampart('authz suggest nobody');
    assert.equal(code, 1);
    assert.match(stderr, /no request to nobody\.default that was allowed over mutual TLS is on record since/);
  });
});
