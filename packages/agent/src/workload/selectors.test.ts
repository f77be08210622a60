import assert from 'node:assert/strict';
import { fork, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { deadSelectorReason } from '@rampart/core';
import { until } from '@rampart/testkit';

import { Accounts } from './accounts.ts';
import { BinaryDigests } from './binary-digest.ts';
import { binaryPath } from './binary-path.ts';
import { peerCredentials } from './peer-credentials.ts';
import { processFacts, uptimeSeconds } from './process-facts.ts';
import { workloadSelectors } from './selectors.ts';

const whereIs = (program: string): string => realpathSync(`/usr/bin/${program}`);
const noNamespaces =
  spawnSync('unshare', ['-Urm', 'mount', '--bind', '/usr/bin/env', '/usr/bin/env']).status === 0
    ? false
    : 'this machine lets nobody make a namespace';
const notRoot =
  spawnSync('unshare', ['-m', 'true']).status === 0 ? false : 'only root makes mount namespaces of the host';

/** Connects to the socket it is told and stays. */
const CALLER = "import net from 'node:net'; net.connect(process.argv[2]).on('close', () => process.exit(0));";

describe('selectors of a process that calls over a Unix socket', () => {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'rampart-agent-')));
  const path = join(directory, 'agent.sock');
  const script = join(directory, 'caller.mjs');
  const sources = { accounts: new Accounts(), digests: new BinaryDigests() };
  let server: Server;

  before(async () => {
    writeFileSync(script, CALLER);
    server = createServer().listen(path);
    await once(server, 'listening');
  });
  after(() => {
    server.close();
    rmSync(directory, { recursive: true });
  });

  async function call(execPath = process.execPath): Promise<{ caller: ChildProcess; socket: Socket }> {
    const connected = once(server, 'connection');
    const caller = fork(script, [path], { execPath, stdio: 'ignore' });
    const [socket] = (await connected) as [Socket];
    return { caller, socket };
  }

  it('are read from the kernel and from proc', async () => {
    const { caller, socket } = await call();
    const credentials = peerCredentials(socket);
    assert.ok(credentials.ok);
    assert.equal(credentials.value.pid, caller.pid);
    assert.equal(credentials.value.uid, process.getuid?.());
    const selectors = await workloadSelectors(credentials.value, await uptimeSeconds(), sources);
    assert.ok(selectors.ok);
    const digest = createHash('sha256').update(readFileSync(process.execPath)).digest('hex');
    for (const selector of [
      `unix:uid:${process.getuid?.()}`,
      `unix:gid:${process.getgid?.()}`,
      `unix:path:${realpathSync(process.execPath)}`,
      `unix:sha256:${digest}`,
    ]) {
      assert.ok(selectors.value.has(selector), selector);
    }
    for (const selector of selectors.value) {
      assert.equal(deadSelectorReason(selector), undefined, 'entries with it are warned of');
    }
    socket.destroy();
    await once(caller, 'exit');
  });

  it('are none of a process that has ended', async () => {
    const { caller, socket } = await call();
    const credentials = peerCredentials(socket);
    assert.ok(credentials.ok);
    caller.kill('SIGKILL');
    await once(caller, 'exit');
    const selectors = await workloadSelectors(credentials.value, await uptimeSeconds(), sources);
    assert.ok(!selectors.ok);
    socket.destroy();
  });

  it('are none of a process that has ended and is not collected by its parent', async () => {
    // The shell becomes a program that collects nobody.
    const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    await until('the program', () => readlinkSync(`/proc/${parent.pid}/exe`) === whereIs('sleep'));
    process.kill(pid, 'SIGKILL');
    await until('the end of the process', () => readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z '));
    const [uid = 0, gid = 0] = [process.getuid?.(), process.getgid?.()];
    const facts = await processFacts({ pid, uid, gid }, await uptimeSeconds());
    assert.deepEqual(facts, { ok: false, problem: `process ${pid} ended while it was looked at` });
    parent.kill('SIGKILL');
    await once(parent, 'exit');
  });

  it("are none of a process that started after the call: it has another one's number", async () => {
    const { caller, socket } = await call();
    const credentials = peerCredentials(socket);
    assert.ok(credentials.ok);
    const facts = await processFacts(credentials.value, 0);
    assert.deepEqual(facts, { ok: false, problem: `process ${caller.pid} started after the call that it made` });
    socket.destroy();
    await once(caller, 'exit');
  });

  it('are none of a process of another user than the one that called', async () => {
    const { caller, socket } = await call();
    const credentials = peerCredentials(socket);
    assert.ok(credentials.ok);
    const facts = await processFacts({ ...credentials.value, uid: 12_345 }, await uptimeSeconds());
    assert.deepEqual(facts, {
      ok: false,
      problem: `process ${caller.pid} is of another user than the one that called`,
    });
    socket.destroy();
    await once(caller, 'exit');
  });

  it('name no path for a binary that was replaced, and the digest of what runs', async () => {
    const binary = join(directory, 'node');
    copyFileSync(process.execPath, binary);
    const { caller, socket } = await call(binary);
    rmSync(binary);
    const credentials = peerCredentials(socket);
    assert.ok(credentials.ok);
    const selectors = await workloadSelectors(credentials.value, await uptimeSeconds(), sources);
    assert.ok(selectors.ok);
    assert.deepEqual(
      [...selectors.value].filter((each) => each.startsWith('unix:path:')),
      [],
    );
    assert.ok([...selectors.value].some((each) => each.startsWith('unix:sha256:')));
    socket.destroy();
    await once(caller, 'exit');
  });

  it('name no path that a user has arranged for itself', { skip: noNamespaces }, async () => {
    const forged = join(directory, 'forged');
    copyFileSync(whereIs('sleep'), forged);
    const target = whereIs('env');
    const script = `mount --bind ${forged} ${target} && echo up && exec ${target} 60`;
    const caller = spawn('unshare', ['-Urm', 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(caller.stdout, 'data');
    const pid = caller.pid ?? 0;
    await until('the forged binary', () => readlinkSync(`/proc/${pid}/exe`) === target);
    const [uid = 0, gid = 0] = [process.getuid?.(), process.getgid?.()];
    const selectors = await workloadSelectors({ pid, uid, gid }, await uptimeSeconds(), sources);
    assert.ok(selectors.ok);
    assert.deepEqual(
      [...selectors.value].filter((each) => each.includes(':path:')),
      [],
    );
    const digest = createHash('sha256').update(readFileSync(forged)).digest('hex');
    assert.ok(selectors.value.has(`unix:sha256:${digest}`));
    caller.kill('SIGKILL');
    await once(caller, 'exit');
  });

  it(
    'name a path in a namespace that the host has made, where it leads to the same file',
    { skip: notRoot },
    async () => {
      const caller = spawn('unshare', ['-m', whereIs('sleep'), '60'], { stdio: 'ignore' });
      const pid = caller.pid ?? 0;
      await until('the program', () => readlinkSync(`/proc/${pid}/exe`) === whereIs('sleep'));
      assert.deepEqual(await binaryPath(pid), { path: whereIs('sleep'), isHosts: true });
      caller.kill('SIGKILL');
      await once(caller, 'exit');
    },
  );

  it('say nothing of a connection that is closed', async () => {
    const { caller, socket } = await call();
    socket.destroy();
    await once(socket, 'close');
    assert.deepEqual(peerCredentials(socket), { ok: false, problem: 'the connection is already closed' });
    await once(caller, 'exit');
  });
});
