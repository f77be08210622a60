import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { runCommandLine } from '../program.ts';
import { type CapturedIo, captureIo } from './captured-io.ts';
import { type Outcome, runIn, type ScenarioMesh, startScenarioMesh } from './mesh.ts';

const now = (): number => Date.now();
const WEB = 'spiffe://cluster.local/ns/prod/sa/web';

const ENTRY = `apiVersion: rampart.dev/v1
kind: RegistrationEntry
metadata: { name: web, namespace: prod }
spec: { spiffeId: "${WEB}", selectors: ["unix:uid:${process.getuid?.() ?? 0}"], hint: internal }
`;

suite('rampart agent and rampart svid', () => {
  let mesh: ScenarioMesh;
  let agent: CapturedIo;
  let ended: Promise<number>;
  let env: Record<string, string>;

  before(async () => {
    mesh = await startScenarioMesh(now);
    chmodSync(mesh.folder, 0o755);
    await mesh.run(['apply', '-f', '-'], { stdin: ENTRY });
    agent = captureIo({ workingDirectory: mesh.folder, now });
    ended = runCommandLine(['agent', '--socket', 'run/agent.sock', '--name', 'host-1'], agent.io);
    await Promise.race([agent.printed(/Ctrl-C stops it/), ended]);
    env = { SPIFFE_ENDPOINT_SOCKET: `unix://${join(mesh.folder, 'run/agent.sock')}` };
  });
  after(async () => {
    agent.signal('SIGTERM');
    assert.equal(await ended, 0);
    await mesh.stop();
  });

  const run = (words: readonly string[], stdin = ''): Promise<Outcome> =>
    runIn(words, { workingDirectory: mesh.folder, now, env, stdin });

  test('the agent says who it is and how to find it', () => {
    assert.match(agent.stdout(), /● spiffe:\/\/cluster\.local\/agent\/join_token\/host-1\n/);
    assert.ok(agent.stdout().includes(`export SPIFFE_ENDPOINT_SOCKET=${env['SPIFFE_ENDPOINT_SOCKET']}`));
  });

  test('svid fetch shows who one is, and no key', async () => {
    const { code, stdout } = await run(['svid', 'fetch']);
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^SPIFFE ID\s+HINT\s+SERIAL\s+EXPIRES\s+LEFT\nspiffe:\/\/cluster\.local\/ns\/prod\/sa\/web\s+internal\s/,
    );
    const json = await run(['svid', '-o', 'json']);
    assert.deepEqual(
      (JSON.parse(json.stdout) as { svids: { spiffeId: string }[] }).svids.map(({ spiffeId }) => spiffeId),
      [WEB],
    );
    assert.ok(!json.stdout.includes('PRIVATE'));
  });

  test('svid fetch --write makes files for the owner alone, which OpenSSL takes', async () => {
    const { code, stderr } = await run(['svid', 'fetch', '--write', 'tls']);
    assert.equal(code, 0, stderr);
    const folder = join(mesh.folder, 'tls');
    assert.deepEqual(readdirSync(folder).sort(), ['bundle.0.pem', 'crl.pem', 'svid.0.key', 'svid.0.pem']);
    for (const file of readdirSync(folder)) assert.equal(statSync(join(folder, file)).mode & 0o777, 0o600);
    const openssl = (...words: string[]): string => execFileSync('openssl', words, { cwd: folder }).toString();
    assert.match(
      openssl('verify', '-CAfile', 'bundle.0.pem', '-untrusted', 'svid.0.pem', 'svid.0.pem'),
      /svid\.0\.pem: OK/,
    );
    openssl('crl', '-in', 'crl.pem', '-noout');
    const key = openssl('pkey', '-in', 'svid.0.key', '-pubout');
    assert.equal(openssl('x509', '-in', 'svid.0.pem', '-pubkey', '-noout'), key);
    assert.match(readFileSync(join(folder, 'svid.0.key'), 'utf8'), /^-----BEGIN PRIVATE KEY-----/);
  });

  test('svid watch shows changes until it is stopped', async () => {
    const watch = captureIo({ workingDirectory: mesh.folder, now, env });
    const done = runCommandLine(['svid', 'watch'], watch.io);
    await watch.printed(/internal/);
    await mesh.run(['apply', '-f', '-'], { stdin: ENTRY.replace('internal', 'external') });
    await watch.printed(/external/);
    watch.signal('SIGINT');
    assert.equal(await done, 0);
  });

  test('svid jwt gives a token, and svid validate judges it', async () => {
    const { stdout: token } = await run(['svid', 'jwt', '--audience', 'orders']);
    assert.match(token, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const good = await run(['svid', 'validate', '--audience', 'orders'], token);
    assert.deepEqual([good.code, good.stdout], [0, `valid: ${WEB}\n`]);
    const bad = await run(['svid', 'validate', '--audience', 'billing'], token);
    assert.deepEqual([bad.code, bad.stdout], [1, 'not valid: the token is not for "billing"\n']);
  });

  const mistakes: readonly (readonly [rule: string, words: readonly string[], code: number, complaint: RegExp])[] = [
    [
      'where no agent is',
      ['svid', 'fetch', '--socket', 'none.sock'],
      3,
      /^error: no agent answers at .*none\.sock \(ENOENT\); start one/,
    ],
    [
      'with an endpoint that is none',
      ['svid', 'fetch', '--socket', 'tcp://127.0.0.1:1'],
      2,
      /is not like unix:\/\/\/run/,
    ],
    ['a token without audience', ['svid', 'jwt'], 2, /--audience/],
    ['where another agent listens', ['agent', '--socket', 'run/agent.sock'], 3, /another process listens on/],
    [
      'an agent with an unknown attestation',
      ['agent', '--socket', 'run/b.sock'],
      2,
      /RAMPART_ATTESTATION must be one of/,
    ],
  ];
  for (const [rule, words, code, complaint] of mistakes) {
    test(`mistakes are told in one line: ${rule}`, async () => {
      const more = rule.includes('attestation') ? { RAMPART_ATTESTATION: 'magic' } : {};
      const outcome = await runIn(words, { workingDirectory: mesh.folder, now, env: { ...env, ...more } });
      assert.equal(outcome.code, code, outcome.stderr);
      assert.match(outcome.stderr, complaint);
      assert.equal(outcome.stderr.trim().split('\n').length, 1);
    });
  }

  test('a process without an entry is told that it has no identity', async () => {
    await mesh.run(['apply', '-f', '-'], { stdin: ENTRY.replace(/unix:uid:\d+/, 'unix:uid:4321') });
    const outcome = await run(['svid', 'fetch']);
    assert.deepEqual(
      [outcome.code, outcome.stderr],
      [1, 'error: no identity: no registration entry is about this process\n'],
    );
  });
});
