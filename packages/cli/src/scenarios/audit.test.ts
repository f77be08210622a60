import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runCommandLine } from '../program.ts';
import { captureIo } from './captured-io.ts';
import { type Outcome, type ScenarioMesh, startScenarioMesh } from './mesh.ts';

interface Printed {
  readonly event_type: string;
  readonly result: string;
  readonly details: { readonly sql?: string };
}

describe('an operator who reads the audit record', { concurrency: false }, () => {
  let mesh: ScenarioMesh;

  before(async () => {
    mesh = await startScenarioMesh(Date.now);
    for (const name of ['one', 'two', 'three']) await rampart('token', 'create', '--service', name);
    await rampart('registry', 'register', 'payment-service', '--at', '10.0.0.7:80');
  });
  after(() => mesh.stop());

  function rampart(...words: string[]): Promise<Outcome> {
    return mesh.run(words);
  }

  async function printed(...words: string[]): Promise<readonly Printed[]> {
    const { code, stdout, stderr } = await rampart('audit', 'query', ...words, '-o', 'json');
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as readonly Printed[];
  }

  test('finds records by what they say', async () => {
    const types = async (...words: string[]): Promise<readonly string[]> =>
      (await printed(...words)).map(({ event_type }) => event_type);
    assert.deepEqual(await types('--type', 'registration'), ['REGISTRATION']);
    assert.deepEqual(await types('--service', 'pay*', '--identity', 'operator:*', '--type', 'REGISTRATION'), [
      'REGISTRATION',
    ]);
    assert.deepEqual(await types('--service', 'pay_', '--since', '1h'), []);
    assert.deepEqual(await types('--identity', "o'brien"), []);
    assert.equal((await types('--since', '1h', '--limit', '2')).length, 2);
    assert.deepEqual(await types('--since', 'now', '--result', 'DENIED'), []);
    const { stderr } = await rampart('audit', 'query', '--result', 'DENIED');
    assert.equal(stderr, 'no such record\n');
  });

  test('gets records in the form of those that are not looked for', async () => {
    const [found] = await printed('--service', 'payment-service', '--type', 'REGISTRATION');
    const [listed] = await printed('--type', 'REGISTRATION');
    assert.deepEqual(found, listed);
    assert.deepEqual(Object.keys(found ?? {}), Object.keys(listed ?? {}));
  });

  test('asks in SQL, and no name of a column hides another', async () => {
    const rows = await printed('--sql', 'SELECT COUNT(*), COUNT(*), 1 AS count_2 FROM allowed_services');
    assert.deepEqual(rows, [{ count: 0, count_2: 0, count_2_2: 1 }]);
    assert.equal((await rampart('audit', 'query', 'unknown-services')).stdout, 'SERVICE NAME\npayment-service\n');
  });

  test('asks from standard input, and what no file holds is said', async () => {
    const asked = await mesh.run(['audit', 'query', '--file', '-'], { stdin: '\uFEFFSELECT 2 AS two\r\n' });
    assert.equal(asked.stdout, 'TWO\n2\n');
    const missing = await rampart('audit', 'query', '--file', 'nowhere.sql');
    assert.deepEqual([missing.code, /nowhere\.sql cannot be read/.test(missing.stderr)], [1, true], missing.stderr);
  });

  test('is no suspect for a slip of the pen', async () => {
    const { code, stderr } = await rampart('audit', 'query', '--sql', 'SELECT * FORM audit_logs');
    assert.deepEqual([code, stderr], [2, 'error: sql: line 1, column 15: unexpected word token: "audit_logs"\n']);
    const [newest] = await printed('--type', 'AUDIT_QUERIED', '--limit', '1');
    assert.deepEqual([newest?.result, newest?.details.sql], ['FAILURE', 'SELECT * FORM audit_logs']);
  });

  for (const [rule, words, said] of [
    [
      'a question by two ways',
      ['unknown-services', '--sql', 'SELECT 1'],
      /ask one question: by its name, with --sql or/,
    ],
    ['a type that there is none of', ['--type', 'NOPE'], /no such type of event: write one of .*REGISTRATION, /],
    [
      'a question and a filter',
      ['unknown-services', '--type', 'REGISTRATION'],
      /says itself which records it is about/,
    ],
    ['a question that has no such name', ['unknown'], /there is no question "unknown": registration-anomalies, /],
    ['a result that is none', ['--result', 'denied'], /Allowed choices are SUCCESS, DENIED, FAILURE/],
    ['a time that is none', ['--since', 'soon'], /write a time such as/],
  ] as const) {
    test(`is told what is wrong with ${rule}`, async () => {
      const { code, stderr } = await rampart('audit', 'query', ...words);
      assert.deepEqual([code, said.test(stderr)], [2, true], stderr);
    });
  }

  test('follows the record, one JSON object a line, each once', async () => {
    const followed = captureIo({ workingDirectory: mesh.folder, now: Date.now });
    const words = ['audit', 'tail', '-f', '--history', '1', '--type', 'join-token-created', '-o', 'json'];
    const ended = runCommandLine(words, followed.io);
    await followed.printed(/JOIN_TOKEN_CREATED/);
    await rampart('token', 'create', '--service', 'four');
    await followed.printed(/JOIN_TOKEN_CREATED[\s\S]*JOIN_TOKEN_CREATED/);
    followed.signal('SIGINT');
    assert.equal(await ended, 0);
    const lines = followed.stdout().trim().split('\n');
    const sequences = lines.map((line) => (JSON.parse(line) as { sequence: number }).sequence);
    assert.deepEqual(
      sequences,
      [...new Set(sequences)].toSorted((a, b) => a - b),
    );
    assert.equal(sequences.length, 2);
    assert.match(
      (await rampart('audit', 'tail', '--history', '2')).stdout,
      /^(?:\S+Z {2}[A-Z_]+ {2}[A-Z]+ {2}.*\n){2}$/,
    );
  });

  test('looks at one entry, and that it was signed', async () => {
    const { code, stdout } = await rampart('audit', 'show', '2');
    assert.equal(code, 0);
    assert.match(stdout, /^entry +2 of the .*\ntype +[A-Z_]+\n[\s\S]*\nproven +in the \d+ entries that were signed\n$/);
    assert.equal((await rampart('audit', 'show', '0')).code, 2);
    assert.equal((await rampart('audit', 'show', '999999')).code, 1);
  });

  test('takes the whole journal away in a file, which holds or does not without a control plane', async () => {
    const key = (await rampart('audit', 'key')).stdout.trim();
    assert.match(
      (await rampart('audit', 'export', '--out', 'all.journal')).stderr,
      /entries, in all\.journal; verify it/,
    );
    const offline = (file: string): Promise<Outcome> => rampart('audit', 'verify', '--offline', file, '--key', key);
    assert.match((await offline('all.journal')).stdout, /^verified: \d+ entries recomputed, \d+ signed by cluster/);
    assert.equal((await rampart('audit', 'export', '--out', 'all.journal')).code, 1);
    assert.equal((await rampart('audit', 'verify', '--offline', 'all.journal')).code, 2);
    assert.equal((await offline('nowhere.journal')).code, 2);
    const lines = (await readFile(join(mesh.folder, 'all.journal'), 'utf8')).split('\n');
    const at = lines.findIndex((line) => line.includes('JOIN_TOKEN_CREATED'));
    const line = lines[at] ?? '';
    for (const [name, change, said] of [
      ['shorter', lines.toSpliced(-2, 1), /is missing/],
      ['other', lines.with(at, line.replace('SUCCESS', 'FAILURE')), /was changed: its body does not have its hash/],
      [
        'blank',
        lines.with(at, line.replace(/"body":"(?:\\.|[^"\\])*"/, '"body":""')),
        /has lost its body, and no record says/,
      ],
      ['torn', lines.with(at, '{"sequence":'), /torn:\d+: this is no entry/],
    ] as const) {
      await writeFile(join(mesh.folder, name), change.join('\n'));
      const { code, stdout, stderr } = await offline(name);
      assert.deepEqual([code > 0, said.test(stdout + stderr)], [true, true], stdout + stderr);
    }
  });
});
