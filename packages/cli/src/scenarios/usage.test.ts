import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { promisify } from 'node:util';
import { VERSION } from '../version.ts';
import { type Outcome, runIn } from './mesh.ts';

const COMMANDS = [
  'up',
  'run',
  'sidecar',
  'sidecar nftables',
  'diff',
  'apply',
  'history',
  'get',
  'delete',
  'authz check',
  'authz explain',
  'authz',
  'authz simulate',
  'authz suggest',
  'authz test',
  'analyze',
  'tls-check',
  'logs',
  'top',
  'describe service',
  'quarantine',
  'token create',
  'certs list',
  'certs revoke',
  'audit query',
  'registry list',
  'registry show',
  'registry health',
  'registry watch',
  'registry register',
  'registry deregister',
  'registry drain',
  'registry maintenance',
  'registry pending',
  'registry approve',
  'registry reject',
  'acl check',
  'backup',
  'backup verify',
  'restore',
  'status',
  'version',
];

function rampart(line: string): Promise<Outcome> {
  return runIn(line.split(' ').filter(Boolean), { workingDirectory: tmpdir() });
}

suite('help', () => {
  test('of the command itself goes to standard output', async () => {
    for (const line of ['', '--help', 'help']) {
      const { code, stdout, stderr } = await rampart(line);
      assert.equal(code, 0);
      assert.match(stdout, /^Usage: rampart/);
      assert.equal(stderr, '');
    }
  });
  for (const command of COMMANDS) {
    test(`of ${command} has examples and the global options`, async () => {
      const { code, stdout } = await rampart(`${command} --help`);
      assert.equal(code, 0);
      assert.match(stdout, /\nExamples:\n {2}\$ rampart/);
      assert.match(stdout, /--output <format>/);
    });
  }
});

suite('a wrong command line exits 2 with one line that helps', () => {
  const cases: readonly (readonly [line: string, message: RegExp])[] = [
    ['aply', /unknown command 'aply'.*Did you mean apply/],
    ['registry watch web --from 12345678901234567', /--from.* whole number; "rampart registry watch"/],
    ['registry register web --at 10.0.0.1:80 --weight 0', /write a whole number, 1 to 65535/],
    ['registry watch web -n no.label', /--namespace "no\.label" is not a name/],
    ['backup verify x --passphrase-file y --out z', /--out is for making a backup/],
    ['backup verify x --key-service https://y', /--key-service is for making a backup/],
    ['get ap --namspace x', /unknown option '--namspace'.*Did you mean --namespace/],
    ['logs --zzz', /unknown option '--zzz'; --help shows what the command takes$/m],
    ['zzz', /unknown command 'zzz'; --help shows what the command takes$/m],
    ['get polices', /unknown kind "polices".*Known kinds/],
    ['get ap -A -n x', /-n NAMESPACE or -A/],
    ['get ap -o xml', /'xml' is invalid.*table, yaml, json/],
    ['get ap -o sarif', /'sarif' is invalid here\. Allowed choices are table, yaml, json\./],
    ['apply', /say what to apply: -f FILE, or --rollback REVISION/],
    ['apply -f x --rollback 3', /not both/],
    ['apply --rollback yesterday', /rampart history/],
    ['apply -f x --wait 5', /number with a unit/],
    ['history --limit 0', /a whole number, 1 to 1000000/],
    ['audit query --limit 0', /a whole number, 1 to 1000000/],
    ['diff', /--filename <file>' not specified/],
    ['apply -f no-such-file.yaml', /cannot read no-such-file\.yaml: no such file/],
    ['delete', /say what to delete/],
    ['delete ap x -f y', /not both/],
    ['delete services x', /come and go/],
    ['run', /missing required argument 'command'/],
    ['run --service Orders -- node x', /--service "Orders" is not a name/],
    ['run -- yarn start', /yarn would use up/],
    ['up --port 70000', /a port, 0 to 65535/],
    ['up --workload-ttl 10', /number with a unit/],
    ['up --workload-ttl 25h', /longer than 24h/],
    ['up --workload-ttl 500ms', /shorter than 1s/],
    ['up --certificates observatory --workload-ttl 2161h', /at most 2160 hours in the profile "observatory"$/m],
    ['authz check', /--to <service>' not specified; --help shows/],
    ['authz check --to orders --to-label app=x', /--to-label is for files: give them with -f/],
    ['authz explain orders --trust-domain example.org', /--trust-domain is for files/],
    ['authz check --to orders -f /dev/null', /nothing to judge by: \/dev\/null is empty/],
    ['analyze -f /dev/null', /nothing to analyze: \/dev\/null is empty/],
    ['analyze --ignore wildcard-polcy', /"wildcard-polcy" is no lint; did you mean wildcard-policy\?/],
    ['authz check --to orders --from frontend', /is not a caller/],
    ['authz check --to orders --source-ip banana', /IPv4 or IPv6/],
    ['authz check --to orders --path noslash', /begins with a slash/],
    ['authz check --to orders --method G!E(T', /an HTTP method/],
    ['authz simulate', /--filename <file>' not specified/],
    ['authz simulate -f x --since yesterday', /number with a unit/],
    ['tls-check 10.0.0.1', /not the name of a service/],
    ['certs revoke xyz --reason lost', /not a serial number/],
    ['token create --label nonsense', /app=orders-api/],
    ['token create --agent host-1 --service web', /--agent cannot stand beside/],
    ['status --address http://127.0.0.1:1 --ca x --token-file y', /https:\/\/HOST:PORT/],
  ];
  for (const [line, message] of cases) {
    test(line, async () => {
      const { code, stdout, stderr } = await rampart(line);
      assert.equal(code, 2, stderr);
      assert.match(stderr, /^error: [^\n]*\n$/);
      assert.match(stderr, message);
      assert.equal(stdout, '');
    });
  }
  test('as an object with --output json', async () => {
    for (const line of ['-o json aply', 'get nothing -ojson', 'get --output=json nothing', 'token -o json']) {
      const { code, stdout, stderr } = await rampart(line);
      assert.equal(code, 2);
      assert.equal(stderr.includes('error:'), false);
      assert.equal(JSON.parse(stdout.slice(stdout.indexOf('{'))).error.code, 'INVALID_ARGUMENT');
    }
  });
});

suite('without a control plane', () => {
  test('every command that needs one exits 3 and says how to start one', async () => {
    for (const line of [
      'status',
      'get ap',
      'history',
      'apply --rollback 1',
      'logs',
      'certs',
      'tls-check',
      'audit query',
      'token create',
    ]) {
      const { code, stderr } = await rampart(`--data no-such-directory ${line}`);
      assert.equal(code, 3);
      assert.match(stderr, /^error: no control plane known: .*"rampart up".*\n$/);
    }
  });
  test('as an object with --output json', async () => {
    const { code, stdout } = await rampart('status -o json --data no-such-directory');
    assert.equal(code, 3);
    assert.equal(JSON.parse(stdout).error.code, 'CONTROL_PLANE_UNREACHABLE');
  });
});

suite('the version', () => {
  test('is printed plainly and as data', async () => {
    assert.equal((await rampart('--version')).stdout, `${VERSION}\n`);
    assert.equal((await rampart('version')).stdout, `${VERSION}\n`);
    assert.deepEqual(JSON.parse((await rampart('version -o json')).stdout), { version: VERSION });
  });
  test('comes from the program itself', async () => {
    const program = join(import.meta.dirname, '../main.ts');
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, '--version']);
    assert.equal(stdout, `${VERSION}\n`);
    assert.equal(stderr, '');
  });
});
