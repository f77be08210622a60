import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { runCommandLine } from '../program.ts';
import { captureIo } from './captured-io.ts';
import { type Outcome, type ScenarioMesh, startScenarioMesh } from './mesh.ts';

const STRICT = `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: default
  namespace: istio-system
spec:
  mtls:
    mode: STRICT
`;
const ALLOW_FRONTEND = `apiVersion: security.istio.io/v1beta1
kind: AuthorizationPolicy
metadata:
  name: allow-frontend
  namespace: shop
spec:
  selector:
    matchLabels:
      app: orders-api
  action: ALLOW
  rules:
  - from:
    - source:
        principals: ["cluster.local/ns/web/sa/frontend"]
    to:
    - operation:
        methods: ["GET"]
        paths: ["/api/*"]
`;
const EVERYWHERE = `apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {team: orders, env: production}}
---
apiVersion: rampart.dev/v1
kind: MeshConfig
metadata: {name: default}
spec:
  trustDomainAliases: [old.example]
  pathNormalization: {normalization: MERGE_SLASHES}
  defaultConfig: {gatewayTopology: {numTrustedProxies: 1}}
  extensionProviders:
  - {name: opa, envoyExtAuthzGrpc: {service: opa.tools.svc.cluster.local, port: 9191}}
  - {name: b, envoyExtAuthzHttp: {service: b, port: 80}}
  - {name: c, envoyExtAuthzHttp: {service: c, port: 80}}
`;
const TWO_MISTAKES = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: broken
spec:
  acton: ALLOW
  rules:
  - to:
    - operation:
        method: ["GET"]
`;

function dataOf(outcome: Outcome): unknown {
  return JSON.parse(outcome.stdout);
}

suite('an operator', () => {
  let mesh: ScenarioMesh;
  const rampart = (line: string, stdin?: string): Promise<Outcome> =>
    mesh.run(line.split(' '), stdin === undefined ? {} : { stdin });
  const file = (name: string): string => join(mesh.folder, name);

  before(async () => {
    mesh = await startScenarioMesh(Date.now);
    await writeFile(file('strict.yaml'), STRICT);
    await writeFile(file('allow.yaml'), ALLOW_FRONTEND);
    await writeFile(file('broken.yaml'), TWO_MISTAKES);
  });
  after(async () => assert.equal(await mesh.stop(), 0));

  test('sees where the mesh listens and three things to type next', () => {
    const text = mesh.up.stdout();
    assert.match(text, /API +https:\/\/127\.0\.0\.1:\d+\n/);
    assert.match(text, /Metrics +http:\/\/127\.0\.0\.1:\d+\/metrics\n/);
    assert.equal(text.match(/^ {2}rampart /gm)?.length, 3);
  });

  test('finds the mesh from a folder below, and sees its status', async () => {
    const below = join(mesh.folder, 'services/orders');
    await mkdir(below, { recursive: true });
    const { code, stdout } = await mesh.run(['status'], { workingDirectory: below });
    assert.equal(code, 0);
    assert.match(stdout, /Trust domain +cluster\.local\n/);
    const data = JSON.parse((await rampart('status -o json')).stdout);
    assert.equal(data.trustDomain, 'cluster.local');
    assert.deepEqual(data.dataPlanes, []);
  });

  test('cannot start a second mesh on the same data', async () => {
    const second = await rampart('up --port 0 --metrics-port 0');
    assert.equal(second.code, 3);
    assert.match(second.stderr, /^error: [^\n]+\n$/);
    const data = JSON.parse((await rampart('up --port 0 --metrics-port 0 -o json')).stdout);
    assert.equal(data.error.code, 'DATA_DIRECTORY_LOCKED');
  });

  test('cannot start one on a port in use, and nothing is left of it', async () => {
    const { address } = dataOf(await rampart('status -o json')) as { address: string };
    const { port } = new URL(address);
    const second = await rampart(`up --data ${file('other')} --port ${port} --metrics-port 0 -o json`);
    assert.equal(second.code, 3);
    assert.equal(JSON.parse(second.stdout).error.code, 'PORT_IN_USE');
    const again = await rampart(`status --data ${file('other')}`);
    assert.equal(again.code, 3);
  });

  test('is told every problem of a document with its place, and nothing is applied', async () => {
    const refused = await rampart('apply -f allow.yaml -f broken.yaml');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^broken\.yaml:6:\d+: spec\.acton: /m);
    assert.match(refused.stderr, /^broken\.yaml:10:\d+: spec\.rules\[0\]\.to\[0\]\.operation\.method: /m);
    assert.match(refused.stderr, /error: refused for \d+ problems; nothing was changed\n$/);
    assert.deepEqual(JSON.parse((await rampart('get ap -A -o json')).stdout).items, []);
    const { error } = JSON.parse((await rampart('apply -f broken.yaml -o json')).stdout);
    assert.equal(error.problems[0].file, 'broken.yaml');
    assert.equal(error.problems[0].line, 6);
  });

  test('tries, applies, repeats and changes', async () => {
    assert.match(
      (await rampart('apply -f allow.yaml -f strict.yaml --dry-run')).stdout,
      /AuthorizationPolicy shop\/allow-frontend created \(dry run\)\n/,
    );
    assert.equal((await rampart('get ap -n shop')).stdout, '');
    assert.equal(
      (await rampart('apply -f allow.yaml -f strict.yaml')).stdout,
      'AuthorizationPolicy shop/allow-frontend created\nPeerAuthentication istio-system/default created\n',
    );
    assert.equal((await rampart('apply -f strict.yaml')).stdout, 'PeerAuthentication istio-system/default unchanged\n');
    const changed = await rampart('apply -f - -o json', ALLOW_FRONTEND.replace('"GET"', '"GET", "POST"'));
    assert.equal(JSON.parse(changed.stdout).resources[0].outcome, 'configured');
  });

  test('applies thousands at once, all or nothing, and is told places in the file', async () => {
    const many = Array.from({ length: 1200 }, (_, index) => ALLOW_FRONTEND.replace('allow-frontend', `many-${index}`));
    await writeFile(join(mesh.folder, 'many.yaml'), many.join('---\n'));
    const route = 'spec: {hosts: [nowhere], http: [{route: [{destination: {host: nowhere}}]}]}';
    const rule = `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v}\n${route}\n`;
    await writeFile(join(mesh.folder, 'wrong.yaml'), [...many, rule].join('---\n'));
    const line = many.join('---\n').split('\n').length + 4;
    const wrong = await mesh.run(['apply', '-f', 'wrong.yaml']);
    assert.equal(wrong.code, 1);
    assert.match(
      wrong.stderr,
      new RegExp(`^wrong\\.yaml:${line}:\\d+: spec\\.hosts\\[0\\]: no instance of service nowhere`),
    );
    assert.match(wrong.stderr, /refused for 2 problems; nothing was changed\n$/);
    const applied = await mesh.run(['apply', '-f', 'many.yaml']);
    assert.deepEqual([applied.code, applied.stdout.match(/ created\n/g)?.length], [0, 1200], applied.stderr);
    const deleted = await mesh.run(['delete', '-f', 'many.yaml']);
    assert.deepEqual([deleted.code, deleted.stdout.match(/ deleted\n/g)?.length], [0, 1200]);
  });

  test('gets what was applied as a table, and as documents that apply again', async () => {
    assert.match(
      (await rampart('get ap -A')).stdout,
      /^NAMESPACE +NAME +ACTION +RULES +SELECTOR +AGE\nshop +allow-frontend +ALLOW +1 +app=orders-api +\d+s\n$/,
    );
    assert.match(
      (await rampart('get pa default -n istio-system')).stdout,
      /\nistio-system +default +STRICT +- +\(all\) +\d+s\n$/,
    );
    for (const format of ['yaml', 'json']) {
      for (const what of ['ap -A', 'pa default -n istio-system']) {
        const { stdout } = await rampart(`get ${what} -o ${format}`);
        assert.match((await rampart('apply -f -', stdout)).stdout, / unchanged\n$/);
      }
    }
  });

  test('works with kinds that are in no namespace as with others, and never has to name one', async () => {
    assert.equal(
      (await rampart('apply -f -', EVERYWHERE)).stdout,
      'Namespace shop created\nMeshConfig istio-system/default created\n',
    );
    assert.match((await rampart('get ns')).stdout, /^NAME +LABELS +AGE\nshop +env=production,team=orders +\d+s\n$/);
    assert.match((await rampart('get ns shop -n elsewhere -o yaml')).stdout, /^apiVersion: v1\nkind: Namespace\n/);
    assert.match(
      (await rampart('get meshconfig')).stdout,
      /^NAMESPACE +NAME +PATHS +PROXIES +ALIASES +AUTHORIZERS +AGE\nistio-system +default +MERGE_SLASHES +1 +old\.example +opa, b \+1 +\d+s\n$/,
    );
    for (const what of ['ns shop', 'mc default']) {
      const { stdout } = await rampart(`get ${what} -o yaml`);
      assert.match((await rampart('apply -f -', stdout)).stdout, / unchanged\n$/);
      assert.match((await rampart('diff -f -', stdout)).stdout, / is unchanged\n$/);
    }
    assert.match(
      (await rampart('history --limit 1')).stdout,
      / Namespace shop created, MeshConfig istio-system\/default/,
    );
    assert.equal((await rampart('delete ns shop')).stdout, 'Namespace shop deleted\n');
    assert.equal((await rampart('delete mc default')).stdout, 'MeshConfig default deleted\n');
    assert.match((await rampart('delete ns shop')).stderr, /not found: Namespace shop;/);
    assert.match((await rampart('get ns shop')).stderr, /^error: Namespace shop not found;/);
    assert.equal((await rampart('get ns')).stderr, 'no Namespace\n');
    assert.match((await rampart('get mc')).stderr, /^no MeshConfig\n/);
  });

  test('asks who may call whom, of the mesh and of files alike', async () => {
    const question = 'authz check --to orders-api.shop --path /api/orders';
    for (const source of ['', ' -f allow.yaml']) {
      const allowed = await rampart(`${question}${source} --from web/frontend -o json`);
      assert.equal(allowed.code, 0);
      assert.equal(JSON.parse(allowed.stdout).policy, 'shop/allow-frontend');
      const denied = await rampart(`${question}${source} --from web/batch`);
      assert.equal(denied.code, 1);
      assert.match(denied.stdout, /^DENY {2}GET \/api\/orders/);
    }
  });

  test('is told that nobody has started the service that is asked about', async () => {
    const { stderr } = await rampart('authz check --to orders-api.shop');
    assert.match(stderr, /^no instance of orders-api\.shop is registered; judged as .* with label app=orders-api\n$/);
  });

  test('sees who may call a service, in the mesh and in files alike', async () => {
    for (const source of ['', ' -f allow.yaml -f strict.yaml']) {
      const { code, stdout } = await rampart(`authz explain orders-api.shop${source}`);
      assert.equal(code, 0);
      assert.match(stdout, /\n {2}mtls +STRICT from mesh istio-system\n {2}default +DENY: /);
      assert.match(stdout, /\nweb\/frontend +GET(?:, POST)? \/api\/\* +- +shop\/allow-frontend rules\[0\]\n/);
      assert.match(stdout, /\nany other identity +nothing +- +no ALLOW rule is about this caller\n/);
      assert.match(stdout, /\nwithout identity +nothing +- +plaintext refused: /);
      const [matrix] = JSON.parse((await rampart(`authz explain orders-api.shop${source} -o json`)).stdout);
      assert.deepEqual([matrix.default, matrix.mtls.mode], ['DENY', 'STRICT']);
      assert.equal(matrix.callers[0].allowed[0].policy, 'shop/allow-frontend');
    }
  });

  test('sees the mutual TLS that a service will have before anybody runs it', async () => {
    const { code, stdout, stderr } = await rampart(
      'tls-check observatory-backend.observatory.svc.cluster.local --strict',
    );
    assert.equal(code, 0);
    assert.match(
      stdout,
      /\nobservatory-backend\.observatory\.svc\.cluster\.local:\* +STRICT +mTLS +istio-system\/default +0\n/,
    );
    assert.match(stdout, /\nmTLS: STRICT for all connections\n$/);
    assert.match(stderr, /no instance of observatory-backend\.observatory is registered yet/);
  });

  test('makes a join token that stands alone on standard output', async () => {
    const { stdout, stderr } = await rampart('token create --service orders-api --namespace shop --ttl 1m');
    assert.match(stdout, /^\S+\n$/);
    assert.match(stderr, /^for spiffe:\/\/cluster\.local\/ns\/shop\/sa\/orders-api, once, within/);
    const agent = await rampart('token create --agent host-1');
    assert.match(agent.stderr, /for spiffe:\/\/cluster\.local\/agent\/join_token\/host-1, once/);
    const data = JSON.parse((await rampart('token create -o json')).stdout);
    assert.equal(data.spiffeId, 'spiffe://cluster.local/ns/default/sa/default');
  });

  test('lists certificates, and cannot revoke what is not there', async () => {
    const certificates = dataOf(await rampart('certs -o json')) as { kind: string }[];
    assert.ok(certificates.some((one) => one.kind === 'server'));
    assert.match((await rampart('certs')).stdout, /^SERIAL +IDENTITY +KIND/);
    const { code, stderr } = await rampart('certs revoke 00:ab:CD --reason lost');
    assert.equal(code, 1);
    assert.match(stderr, /\babcd\b/);
  });

  test('finds what was changed on the audit record', async () => {
    const records = dataOf(await rampart('audit query -o json')) as { event_type: string }[];
    assert.ok(records.some((one) => one.event_type === 'POLICY_APPLIED'));
    const some = JSON.parse((await rampart('audit query --type POLICY_APPLIED --limit 1 -o json')).stdout);
    assert.equal(some.length, 1);
  });

  test('is turned away with a token of another mesh', async () => {
    await writeFile(file('wrong.token'), 'not-a-token\n');
    const { code, stdout, stderr } = await rampart('status --token-file wrong.token');
    assert.equal(code, 3);
    assert.match(stderr, /does not accept the token/);
    assert.equal(stdout.includes('not-a-token') || stderr.includes('not-a-token'), false);
  });

  test('does not talk to a control plane of another CA', async () => {
    const other = await startScenarioMesh(Date.now);
    const ca = join(other.folder, '.rampart/ca.pem');
    const { code, stderr } = await rampart(`status --ca ${ca}`);
    await other.stop();
    assert.equal(code, 3);
    assert.match(stderr, /not signed by the pinned CA/);
  });

  test('is told that nothing listens, and how to start a mesh', async () => {
    const { code, stderr } = await rampart('status --address https://127.0.0.1:1');
    assert.equal(code, 3);
    assert.match(
      stderr,
      /^error: cannot reach the control plane at https:.*: nothing listens there; .*"rampart up"\n$/,
    );
  });

  test('deletes, and is told what was not there', async () => {
    const { code, stdout, stderr } = await rampart('delete ap allow-frontend no-such -n shop');
    assert.equal(code, 1);
    assert.equal(stdout, 'AuthorizationPolicy shop/allow-frontend deleted\n');
    assert.match(
      stderr,
      /^revision \d+, [^]*error: not found: AuthorizationPolicy shop\/no-such \(deleted: AuthorizationPolicy shop\/allow-frontend\);/,
    );
    const again = await rampart('delete -f strict.yaml -f allow.yaml --ignore-not-found -o json');
    assert.equal(again.code, 0);
    const { resources, revision } = JSON.parse(again.stdout) as { resources: { outcome: string }[]; revision: number };
    assert.deepEqual([resources.map(({ outcome }) => outcome).sort(), revision > 0], [['deleted', 'missing'], true]);
    assert.equal((await rampart('get pa default -n istio-system')).code, 1);
  });

  test('follows the log until Ctrl-C', async () => {
    assert.equal((await rampart('logs')).code, 0);
    const following = captureIo({ workingDirectory: mesh.folder, now: Date.now });
    const ended = runCommandLine(['logs', '-f'], following.io);
    await following.listening('SIGINT');
    following.signal('SIGINT');
    assert.equal(await ended, 0);
    assert.equal(following.stderr(), '');
  });

  test('leaves no secret in what a person is shown', async () => {
    const token = (await readFile(file('.rampart/admin.token'), 'utf8')).trim();
    assert.equal(mesh.up.stdout().includes(token) || mesh.up.stderr().includes(token), false);
  });
});
