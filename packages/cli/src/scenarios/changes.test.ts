import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { type Outcome, type ScenarioMesh, startScenarioMesh } from './mesh.ts';

function policy(name: string, method: string): string {
  return `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: ${name}
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
        methods: ["${method}"]
        paths: ["/api/*"]
`;
}

interface RevisionData {
  readonly revision: number;
  readonly action: string;
}

suite('somebody who changes policies', () => {
  let mesh: ScenarioMesh;
  const rampart = (line: string, stdin?: string): Promise<Outcome> =>
    mesh.run(line.split(' '), stdin === undefined ? {} : { stdin });
  const revisions = async (): Promise<RevisionData[]> =>
    (JSON.parse((await rampart('history -o json')).stdout) as { revisions: RevisionData[] }).revisions;

  before(async () => {
    mesh = await startScenarioMesh(Date.now);
    await writeFile(join(mesh.folder, 'read.yaml'), policy('orders', 'GET'));
    await writeFile(join(mesh.folder, 'write.yaml'), policy('orders', 'POST'));
    await writeFile(join(mesh.folder, 'empty.yaml'), '');
    await writeFile(join(mesh.folder, 'comment.yaml'), '# nothing yet\n---\n');
  });
  after(async () => assert.equal(await mesh.stop(), 0));

  test('is told that nothing was changed yet', async () => {
    assert.deepEqual(await rampart('history'), { code: 0, stdout: '', stderr: 'no resource was changed yet\n' });
  });

  test('is told that a file is empty, whatever is to be done with it', async () => {
    for (const [line, stdin, message] of [
      ['apply -f empty.yaml', undefined, 'nothing to apply: empty.yaml is empty'],
      ['apply -f comment.yaml', undefined, 'nothing to apply: comment.yaml holds no resource'],
      ['apply -f empty.yaml -f comment.yaml', undefined, 'nothing to apply: empty.yaml, comment.yaml hold no resource'],
      ['apply -f - --dry-run', ' \n', 'nothing to apply: <stdin> is empty'],
      ['diff -f empty.yaml', undefined, 'nothing to compare: empty.yaml is empty'],
      ['delete -f empty.yaml', undefined, 'nothing to delete: empty.yaml is empty'],
      ['delete -f comment.yaml --ignore-not-found', undefined, 'nothing to delete: comment.yaml holds no resource'],
    ] as const) {
      assert.deepEqual(await rampart(line, stdin), { code: 2, stdout: '', stderr: `error: ${message}\n` });
    }
    const { code, stdout } = await rampart('apply -f empty.yaml -o json');
    assert.deepEqual([code, JSON.parse(stdout).error.code], [2, 'INVALID_ARGUMENT']);
  });

  test('sees what is new, before it is applied', async () => {
    const { code, stdout } = await rampart('diff -f read.yaml');
    assert.equal(code, 1);
    assert.match(
      stdout,
      /^--- \/dev\/null\n\+\+\+ new\/AuthorizationPolicy\/shop\/orders\n@@ -0,0 \+1,\d+ @@\n\+apiVersion/,
    );
    assert.match(stdout, /\n\nAuthorizationPolicy shop\/orders would be created\n$/);
  });

  test('is told the revision, and that nobody is there to take it', async () => {
    const { code, stdout, stderr } = await rampart('apply -f read.yaml');
    assert.equal(code, 0);
    assert.equal(stdout, 'AuthorizationPolicy shop/orders created\n');
    assert.match(stderr, /^revision \d+, no data plane is connected\n$/);
    for (const wait of ['--no-wait', '--wait 1s']) assert.equal((await rampart(`apply -f read.yaml ${wait}`)).code, 0);
  });

  test('sees no difference, then the lines that differ', async () => {
    const same = await rampart('diff -f read.yaml');
    assert.deepEqual(same, { code: 0, stdout: 'AuthorizationPolicy shop/orders is unchanged\n', stderr: '' });
    const { code, stdout } = await rampart('diff -f write.yaml');
    assert.equal(code, 1);
    assert.match(stdout, /^--- live\/AuthorizationPolicy\/shop\/orders \(revision \d+\)\n/);
    assert.deepEqual(
      stdout.match(/^[-+] .*$/gm)?.map((line) => line.replace(/\s+/g, ' ')),
      ['- - GET', '+ - POST'],
    );
    assert.match(stdout, /\n\nAuthorizationPolicy shop\/orders would be changed\n$/);
    const data = JSON.parse((await rampart('diff -f write.yaml -o json')).stdout) as {
      resources: { outcome: string; diff: string }[];
    };
    assert.equal(data.resources[0]?.outcome, 'changed');
    assert.match(data.resources[0].diff, /\n\+ +- POST\n/);
    const coloured = await mesh.run(['diff', '-f', 'write.yaml'], { terminal: true });
    assert.match(coloured.stdout, /\u001b\[32m\+ +- POST/);
  });

  test('is told every problem by diff as by apply', async () => {
    const { code, stderr } = await rampart('diff -f -', policy('orders', 'GET').replace('action', 'acton'));
    assert.equal(code, 1);
    assert.match(stderr, /<stdin>:\d+:\d+: spec\.acton: /);
  });

  test('undoes a change, and the undoing', async () => {
    await rampart('apply -f write.yaml');
    const [second, first] = await revisions();
    assert.ok(first !== undefined && second !== undefined);
    const tried = await rampart(`apply --rollback ${first.revision} --dry-run`);
    assert.equal(tried.stdout, 'AuthorizationPolicy shop/orders configured (dry run)\n');
    const undone = await rampart(`apply --rollback ${first.revision}`);
    assert.equal(undone.code, 0);
    assert.equal(undone.stdout, 'AuthorizationPolicy shop/orders configured\n');
    assert.match(undone.stderr, /^revision \d+, /);
    assert.equal((await rampart('diff -f read.yaml')).code, 0);
    assert.match((await rampart(`apply --rollback ${first.revision}`)).stderr, /^nothing to bring back: /);
    assert.equal((await rampart(`apply --rollback ${second.revision}`)).code, 0);
    assert.equal((await rampart('diff -f write.yaml')).code, 0);
  });

  test('sees who did what', async () => {
    const { stdout } = await rampart('history --limit 2');
    assert.match(
      stdout,
      /^REVISION +WHEN +WHO +ACTION +WHAT\n +\d+ +\S+Z +admin:bootstrap +rollback to \d+ +AuthorizationPolicy shop\/orders configured\n/,
    );
    assert.equal(stdout.trimEnd().split('\n').length, 3);
    assert.deepEqual(
      (await revisions()).map(({ action }) => action),
      ['rollback', 'rollback', 'apply', 'apply'],
    );
    const [record] = JSON.parse((await rampart('audit query --type POLICY_ROLLED_BACK --limit 1 -o json')).stdout);
    assert.equal(record.identity, 'admin:bootstrap');
  });

  test('brings back the beginning, and is told of a revision that never was', async () => {
    assert.equal((await rampart('apply --rollback 0')).stdout, 'AuthorizationPolicy shop/orders deleted\n');
    assert.equal(JSON.parse((await rampart('get ap -A -o json')).stdout).items.length, 0);
    const { code, stderr } = await rampart('apply --rollback 999999999');
    assert.equal(code, 1);
    assert.match(stderr, /there is no revision 999999999 yet/);
  });
});
