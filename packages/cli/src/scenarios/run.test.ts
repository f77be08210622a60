import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, suite, test } from 'node:test';
import { type ScenarioMesh, startScenarioMesh } from './mesh.ts';

const PROGRAM = join(import.meta.dirname, '../main.ts');

suite('rampart run', () => {
  let mesh: ScenarioMesh;
  const started = new Set<ChildProcess>();

  before(async () => {
    mesh = await startScenarioMesh(Date.now);
  });
  after(async () => {
    for (const child of started) child.kill('SIGTERM');
    for (const child of started) if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    assert.equal(await mesh.stop(), 0);
  });

  const start = (command: string, words: readonly string[], at: { cwd?: string; env?: object } = {}): ChildProcess => {
    const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`, ...at.env };
    const child = spawn(command, words, { cwd: at.cwd ?? mesh.folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    started.add(child);
    return child;
  };
  const run = (...words: readonly string[]): ChildProcess => start(process.execPath, [PROGRAM, 'run', ...words]);
  const ended = async (child: ChildProcess): Promise<{ code: number | null; stdout: string; stderr: string }> => {
    const [[code], stdout, stderr] = await Promise.all([
      once(child, 'exit') as Promise<[number | null]>,
      child.stdout === null ? '' : text(child.stdout),
      child.stderr === null ? '' : text(child.stderr),
    ]);
    return { code, stdout, stderr };
  };
  const firstOutput = async (child: ChildProcess): Promise<void> => {
    if (child.stdout !== null) await once(child.stdout, 'data');
  };

  test('gives the command its environment, and no token on any command line', async () => {
    const script =
      'echo "$RAMPART_CONTROL_PLANE $RAMPART_CA_FILE ${#RAMPART_JOIN_TOKEN} $NODE_OPTIONS"; tr "\\0" " " < /proc/$PPID/cmdline | grep -c "$RAMPART_JOIN_TOKEN"';
    const { stdout } = await ended(run('--service', 'hello', '--', 'sh', '-c', script));
    const [line = '', tokensOnCommandLine] = stdout.split('\n');
    const [controlPlane = '', caFile = '', tokenLength, nodeOptions = ''] = line.split(' ');
    assert.match(controlPlane, /^https:\/\/127\.0\.0\.1:\d+$/);
    assert.match(await readFile(caFile, 'utf8'), /BEGIN CERTIFICATE/);
    assert.ok(Number(tokenLength) >= 20);
    assert.match(nodeOptions, /^--import=file:\/\/.*register/);
    assert.equal(tokensOnCommandLine, '0');
  });

  test('passes the exit code on, and that of a signal as a shell counts it', async () => {
    assert.equal((await ended(run('--', 'sh', '-c', 'exit 7'))).code, 7);
    assert.equal((await ended(run('--', 'sh', '-c', 'kill -KILL $$'))).code, 137);
  });

  test('passes a signal on and waits for the command to drain', async () => {
    const child = run('--', 'sh', '-c', 'trap "echo drained; exit 9" TERM; echo ready; while :; do sleep 0.05; done');
    const result = ended(child);
    await firstOutput(child);
    child.kill('SIGTERM');
    const { code, stdout } = await result;
    assert.equal(code, 9);
    assert.match(stdout, /ready\ndrained\n/);
  });

  test('with --restart starts a failed command again, each time with a token of its own', async () => {
    const script = 'echo "$RAMPART_JOIN_TOKEN"; test -e failed-once || { touch failed-once; exit 1; }';
    const { code, stdout, stderr } = await ended(run('--restart', '--', 'sh', '-c', script));
    assert.equal(code, 0);
    assert.equal(new Set(stdout.trim().split('\n')).size, 2);
    assert.match(stderr, /sh ended with 1; starting it again in 1s/);
  });

  test('says which program it cannot start', async () => {
    const { code, stderr } = await ended(run('--', './no-such-program'));
    assert.equal(code, 2);
    assert.match(stderr, /error: cannot start \.\/no-such-program: no such program/);
    const folder = await ended(run('--', '/tmp'));
    assert.deepEqual(
      [folder.code, folder.stderr],
      [2, 'error: cannot start /tmp: it is a directory; name the program in it\n'],
    );
  });

  test('puts a sidecar beside a program that the loader cannot get into, and says so', async () => {
    const inside = await ended(run('--service', 'web', '--', 'env', 'A=b', 'printenv', 'http_proxy'));
    assert.match(inside.stdout, /^http:\/\/127\.0\.0\.1:\d+\n$/);
    assert.match(
      inside.stderr,
      /^warning: env is not a Node program: .* nobody can call it as web unless --app-port PORT/,
    );
    const without = await ended(run('--no-sidecar', '--', 'printenv', 'NODE_OPTIONS'));
    assert.match(without.stdout, /^--import=file:/);
    assert.equal(without.stderr, '');
  });

  test('has the command show the evidence that is given, on a host without the right to make tokens', async () => {
    const script = 'echo "$RAMPART_JOIN_TOKEN"';
    const [made = '', url = '', ca = ''] = (
      await ended(run('--', 'sh', '-c', 'echo "$RAMPART_JOIN_TOKEN $RAMPART_CONTROL_PLANE $RAMPART_CA_FILE"'))
    ).stdout
      .trim()
      .split(' ');
    const env = { RAMPART_JOIN_TOKEN: made, RAMPART_CONTROL_PLANE: url, RAMPART_CA_FILE: ca };
    const elsewhere = { env, cwd: dirname(mesh.folder) };
    const given = await ended(start(process.execPath, [PROGRAM, 'run', '--', 'sh', '-c', script], elsewhere));
    assert.deepEqual(given, { code: 0, stdout: `${made}\n`, stderr: '' });
    const words = [PROGRAM, 'run', '--service', 'web', '--restart', '--', 'sh', '-c', script];
    const again = await ended(start(process.execPath, words, elsewhere));
    assert.deepEqual([again.code, again.stdout], [2, '']);
    assert.match(
      again.stderr,
      /^who this is says the token in RAMPART_JOIN_TOKEN.*\n.*good for one start, and --restart/,
    );
  });

  test('the steps that "rampart up" prints work (on a port that is free)', { timeout: 60_000 }, async () => {
    const [serve = '', call = '', watch = ''] = mesh.up.stdout().match(/(?<=^ {2})rampart .*$/gm) ?? [];
    const shell = (line: string): ChildProcess =>
      start('sh', [
        '-c',
        line.replace(/^rampart/, `exec ${JSON.stringify(process.execPath)} ${JSON.stringify(PROGRAM)}`),
      ]);
    shell(serve.replace('3000', '0'));
    await registered(mesh, 'hello');

    const answer = await ended(shell(call));
    assert.equal(answer.stderr, '');
    assert.match(answer.stdout, /^200 hello/);

    const log = shell(watch);
    let lines = '';
    log.stdout?.setEncoding('utf8').on('data', (chunk: string) => (lines += chunk));
    while (!lines.includes('hello.default')) if (log.stdout !== null) await once(log.stdout, 'data');
    assert.match(lines, /default\/visitor +→ hello\.default +GET +\/ +200 ALLOW/);

    const check = await mesh.run(['tls-check', 'hello.default.svc.cluster.local']);
    assert.equal(check.code, 0);
    assert.match(
      check.stdout,
      /^HOST:PORT +SERVER +CLIENT +AUTHN POLICY +INSTANCES\nhello\.default\.svc\.cluster\.local:\d+ +PERMISSIVE +mTLS +\(default\) +1\n/,
    );
    assert.match(
      (await mesh.run(['get', 'services', '-A'])).stdout,
      /\ndefault +hello +1 +\S+:\d+ +spiffe:\/\/cluster\.local\/ns\/default\/sa\/hello\n$/,
    );
    assert.match((await mesh.run(['get', 'dataplanes'])).stdout, /default\/hello +node .* everything\n/);

    const certificates = await mesh.run(['certs', '--identity', 'default/hello', '-o', 'json']);
    const [newest] = JSON.parse(certificates.stdout) as { serial: string }[];
    const serial = newest?.serial ?? '';
    const revoked = await mesh.run(['certs', 'revoke', serial, '--reason', 'lost']);
    assert.deepEqual(revoked, { code: 0, stdout: `certificate ${serial} revoked\n`, stderr: '' });
    assert.match((await mesh.run(['certs', '--identity', 'default/hello'])).stdout, / revoked: lost\n/);
  });
});

/** Waits until a service has an instance. */
async function registered(mesh: ScenarioMesh, service: string): Promise<void> {
  for (;;) {
    const { stdout } = await mesh.run(['get', 'services', '-A', '-o', 'json']);
    if ((JSON.parse(stdout) as { name: string }[]).some(({ name }) => name === service)) return;
  }
}
