import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { text } from 'node:stream/consumers';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { bareEnvironment } from '../harness/environment.ts';
import { STRICT } from '../harness/policies.ts';
import { COMMAND } from '../harness/programs.ts';
import { SidecarProcess } from '../harness/sidecar.ts';

const ANSWER = 'here';
/** Ends at once when it is asked to, as most programs do; the first run fails. */
const PROGRAM = `
const { existsSync, writeFileSync } = require('node:fs');
const [port, seen] = process.argv.slice(1);
if (!existsSync(seen)) { writeFileSync(seen, ''); process.exit(3); }
require('node:http').createServer((request, response) => {
  setTimeout(() => response.end('${ANSWER}'), request.url === '/slow' ? 500 : 0);
  if (request.url === '/slow') process.stdout.write('slow');
}).listen(Number(port), '127.0.0.1');
`;

describe('an application comes and goes behind its sidecar', () => {
  let plane: ControlPlaneProcess;
  let caller: SidecarProcess;

  before(async () => {
    plane = await ControlPlaneProcess.start();
    await plane.apply(STRICT);
    caller = await SidecarProcess.start(plane, { serviceAccount: 'caller' });
  });
  after(async () => {
    await caller.stop();
    await plane.stop();
  });

  async function get(url: string): Promise<string> {
    const request = http.get({ host: '127.0.0.1', port: caller.announcement.proxyPort, path: url });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    return `${response.statusCode ?? 0} ${(await text(response)).trim()}`;
  }

  it('nobody is sent there before it listens, nor after it has crashed, and again once it is back', async () => {
    const port = await freePort();
    const starting = SidecarProcess.start(plane, {
      serviceAccount: 'late',
      service: 'late',
      args: ['--app-port', String(port)],
    });
    await until('the sidecar to be in the mesh', async () => {
      const { planes } = await plane.admin.getStatus({});
      return planes.some(({ spiffeId }) => spiffeId.endsWith('/late'));
    });
    assert.deepEqual(await plane.portsOf('late'), []);
    let application = await listen(port);
    const late = await starting;
    await until('it to be called', async () => (await get('http://late/')) === `200 ${ANSWER}`);

    application.close();
    application.closeAllConnections();
    await until('it to leave the registry', async () => {
      await get('http://late/');
      return (await plane.portsOf('late')).length === 0;
    });
    assert.match(late.complaints, /the application takes no connections any more; out of the registry/);
    application = await listen(port);
    await until('it to be called again', async () => (await get('http://late/')) === `200 ${ANSWER}`);
    await late.stop();
    application.close();
  });

  it('run --restart starts it again behind the same sidecar; SIGTERM reaches it when its answers are given', async (test) => {
    const port = await freePort();
    const seen = `${plane.folder}/seen`;
    const options = ['--restart', '--service', 'job', '--app-port', String(port)];
    const command = [process.execPath, '--eval', PROGRAM, String(port), seen];
    const run = spawn(process.execPath, [COMMAND, '--data', plane.folder, 'run', ...options, '--', ...command], {
      env: bareEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    test.after(() => run.kill('SIGKILL'));
    const said = text(run.stderr);
    await until('it to be called', async () => (await get('http://job/')) === `200 ${ANSWER}`);
    const slow = get('http://job/slow');
    await once(run.stdout, 'data');
    const exit = once(run, 'exit');
    run.kill('SIGTERM');
    assert.equal(await slow, `200 ${ANSWER}`);
    assert.deepEqual(await exit, [143, null]);
    assert.match(await said, /ended with 3; starting it again in 1s/);
  });

  it('with nobody left to read what is said, and no control plane, run ends its program in order', async (test) => {
    const port = await freePort();
    const script = `require('node:http').createServer((_, response) => response.end('${ANSWER}')).listen(${port}, '127.0.0.1')`;
    const options = ['--service', 'unheard', '--app-port', String(port), '--log-level', 'info'];
    const words = ['--data', plane.folder, 'run', ...options, '--', process.execPath, '--eval', script];
    const run = spawn(process.execPath, [COMMAND, ...words], {
      env: bareEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    test.after(() => run.kill('SIGKILL'));
    await until('it to be called', async () => (await get('http://unheard/')) === `200 ${ANSWER}`);
    run.stdout.destroy();
    run.stderr.destroy();
    await plane.kill();
    // The lost control stream is worth a warning: the program is there after it, and not after the end.
    const look = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/`)).text();
    for (let times = 0; times < 20; times += 1) assert.equal(await look(), ANSWER);
    const exit = once(run, 'exit');
    run.kill('SIGTERM');
    assert.deepEqual(await exit, [143, null]);
    await assert.rejects(look());
  });
});

async function listen(port: number): Promise<http.Server> {
  const server = http.createServer((_request, response) => response.end(ANSWER));
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return server;
}

async function freePort(): Promise<number> {
  const server = await listen(0);
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
