import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { runCommandLine } from '../program.ts';
import { captureIo, type CapturedIo } from './captured-io.ts';

const PROGRAM = join(import.meta.dirname, '../main.ts');
const SERVE = `
const server = require('node:http').createServer((q, s) => s.end('ok'));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));`;

interface Up {
  readonly io: CapturedIo;
  readonly ended: Promise<number>;
}

suite('logs -f while the control plane goes away and comes back', { timeout: 120_000 }, () => {
  let folder: string;
  let service: ChildProcess;
  let url: string;
  let up: Up;

  const begin = async (port: string): Promise<Up> => {
    const io = captureIo({ workingDirectory: folder, now: Date.now });
    const ended = runCommandLine(['up', '--port', port, '--metrics-port', '0', '--log-level', 'silent'], io.io);
    await Promise.race([io.printed(/Ctrl-C stops it/), ended]);
    return { io, ended };
  };
  const end = async ({ io, ended }: Up): Promise<void> => {
    io.signal('SIGINT');
    await ended;
  };
  const waitFor = async (what: string, holds: () => boolean): Promise<void> => {
    for (const last = Date.now() + 60_000; !holds(); await new Promise(setImmediate))
      assert.ok(Date.now() < last, `waited too long for ${what}`);
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rampart-cli-follow-'));
    up = await begin('0');
    const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` };
    const words = [PROGRAM, 'run', '--service', 'orders', '--', 'node', '-e', SERVE];
    service = spawn(process.execPath, words, { cwd: folder, env, stdio: ['ignore', 'pipe', 'ignore'] });
    assert.ok(service.stdout !== null);
    const [port] = (await once(service.stdout, 'data')) as [Buffer];
    url = `http://127.0.0.1:${String(port).trim()}`;
  });
  after(async () => {
    service.kill('SIGTERM');
    await once(service, 'exit');
    await end(up);
    await rm(folder, { recursive: true });
  });

  test('it says so, tries again, and shows every request once', async () => {
    await fetch(`${url}/long-ago`);
    const following = captureIo({ workingDirectory: folder, now: Date.now });
    const ended = runCommandLine(['logs', '-f'], following.io);
    const shows = (path: string): Promise<void> => following.printed(new RegExp(`GET .*/${path} `));
    await following.listening('SIGINT');
    await fetch(`${url}/before`);
    await shows('before');

    const { address } = JSON.parse(await readFile(join(folder, '.rampart/client.json'), 'utf8')) as { address: string };
    await end(up);
    await waitFor('the loss to be told', () => following.stderr().includes('went away'));
    await fetch(`${url}/meanwhile`);
    up = await begin(new URL(address).port);
    await shows('meanwhile');
    await fetch(`${url}/after`);
    await shows('after');

    following.signal('SIGINT');
    assert.equal(await ended, 0);
    const paths = following.stdout().match(/(?<= \/)(?:long-ago|before|meanwhile|after)(?= )/g);
    assert.deepEqual(paths, ['long-ago', 'before', 'meanwhile', 'after']);
    assert.match(
      following.stderr(),
      /^the control plane went away \(.+\); trying again until Ctrl-C\nthe control plane is back; going on\n$/,
    );
  });

  test('a control plane that is not there in the first place is an error', async () => {
    const io = captureIo({ workingDirectory: folder, now: Date.now });
    assert.equal(await runCommandLine(['logs', '-f', '--address', 'https://127.0.0.1:1'], io.io), 3);
    assert.match(io.stderr(), /^error: cannot reach the control plane at https:\/\/127\.0\.0\.1:1: /);
  });
});
