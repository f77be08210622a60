import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { allowOnly, STRICT } from '../harness/policies.ts';
import { SidecarProcess } from '../harness/sidecar.ts';

const TWO = ['--processes', '2', '--metrics-port', '0'];
const REQUESTS = 20;

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Over a connection of its own: such are given to the processes in turn. */
async function ask(sidecar: SidecarProcess, url: string): Promise<Answer> {
  const { host } = new URL(url);
  const { proxyPort } = sidecar.announcement;
  const request = http.request({ port: proxyPort, path: url, headers: { host }, agent: false });
  request.end();
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode ?? 0, body };
}

/** Processes that serve for a sidecar (proc(5)). */
function processesOf({ process: { pid = 0 } }: SidecarProcess): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
}

function sumOf(text: string, name: string, ...labels: readonly string[]): number {
  return text
    .split('\n')
    .filter((line) => line.startsWith(name) && labels.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

const skip = process.platform === 'linux' ? false : 'looks at processes in /proc';

describe('a sidecar of several processes', { skip }, () => {
  let held: http.ServerResponse | undefined;
  const app = http.createServer((request, response) => {
    if (request.url === '/api/held') held = response.writeHead(200).on('close', () => (held = undefined));
    else response.end('served');
    if (held === response) response.write('begun');
  });
  let plane: ControlPlaneProcess;
  let orders: SidecarProcess;
  let users: SidecarProcess;

  before(async () => {
    await once(app.listen(0, '127.0.0.1'), 'listening');
    const appPort = String((app.address() as AddressInfo).port);
    plane = await ControlPlaneProcess.start();
    await plane.apply([STRICT, allowOnly('orders-api', 'users-api')].join('---\n'));
    [orders, users] = await Promise.all([
      SidecarProcess.start(plane, {
        serviceAccount: 'orders-api',
        service: 'orders-api',
        args: ['--app-port', appPort, ...TWO],
      }),
      SidecarProcess.start(plane, { serviceAccount: 'users-api', args: ['--dns-port', '0', ...TWO] }),
    ]);
    await until(
      'users-api to know its services',
      async () => (await ask(users, 'http://orders-api/api/x')).status === 200,
    );
  });

  after(async () => {
    await Promise.all([orders.stop(), users.stop()]);
    app.close();
    app.closeAllConnections();
    await plane.stop();
  });

  it('shares ports, and is one instance with one control stream', async () => {
    assert.equal(processesOf(orders).length, 2);
    assert.deepEqual(await plane.portsOf('orders-api'), [orders.announcement.meshPort]);
    const { dataPlanes } = await plane.admin.getStatus({});
    assert.equal(dataPlanes, 2);
  });

  it('counts and records as one what all of them served', async () => {
    const before = sumOf(await orders.metrics(), 'istio_requests_total');
    for (let count = 0; count < REQUESTS; count += 1)
      assert.equal((await ask(users, 'http://orders-api/api/counted')).body, 'served');
    const [source, destination] = await Promise.all([users.metrics(), orders.metrics()]);
    assert.equal(sumOf(destination, 'istio_requests_total') - before, REQUESTS);
    assert.match(destination, /^rampart_processes 2$/m);
    assert.match(source, /^rampart_links\{direction="outbound"\} 2$/m);
    assert.match(source, /^rampart_ready 1$/m);
    await until('both records of each request', async () => {
      const records = await plane.records();
      return records.filter(({ request_path: path }) => path === '/api/counted').length === 2 * REQUESTS;
    });
  });

  it('follows policies in each of them', async () => {
    await plane.apply(allowOnly('orders-api', 'nobody'));
    await until('each process to deny', async () => {
      const answers = await Promise.all(Array.from({ length: 6 }, () => ask(users, 'http://orders-api/api/x')));
      return answers.every(({ status }) => status === 403);
    });
    await plane.apply(allowOnly('orders-api', 'users-api'));
    await until('each process to allow', async () => {
      const answers = await Promise.all(Array.from({ length: 6 }, () => ask(users, 'http://orders-api/api/x')));
      return answers.every(({ status }) => status === 200);
    });
  });

  it('hands its keys on by its pipes alone', () => {
    for (const pid of processesOf(orders)) {
      const said = ['cmdline', 'environ'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'latin1')).join('');
      assert.doesNotMatch(said, /PRIVATE KEY|rjt_/);
    }
  });

  it('replaces one that dies, and the others go on', async () => {
    const [first = 0, second = 0] = processesOf(users);
    const requested = sumOf(await users.metrics(), 'istio_requests_total');
    process.kill(second, 'SIGKILL');
    for (let count = 0; count < REQUESTS; count += 1)
      assert.equal((await ask(users, 'http://orders-api/api/x')).status, 200);
    await until('another process', () => processesOf(users).length === 2 && !processesOf(users).includes(second));
    assert.ok(processesOf(users).includes(first));
    await until('it to serve', async () => /^rampart_processes 2$/m.test(await users.metrics()));
    const counted = sumOf(await users.metrics(), 'istio_requests_total');
    assert.equal(counted, requested + REQUESTS);
  });

  it('finishes what is under way when it is asked to leave, in whichever process', async () => {
    const running = processesOf(orders);
    const answer = ask(users, 'http://orders-api/api/held');
    const response = await until('the request to arrive', () => held);
    const stopped = orders.stop();
    await until('it to be out of the registry', async () => (await plane.portsOf('orders-api')).length === 0);
    response.end(' and ended');
    assert.equal((await answer).body, 'begun and ended');
    assert.equal(await stopped, 0);
    await until('no process to be left', () => running.every((pid) => !isAlive(pid)));
  });

  it('leaves no process behind when the one that leads is killed', async () => {
    const running = processesOf(users);
    assert.equal(running.length, 2);
    await users.stop('SIGKILL');
    await until('no process to be left', () => running.every((pid) => !isAlive(pid)));
  });

  it('says which port is in use', async () => {
    const taken = String((app.address() as AddressInfo).port);
    const started = SidecarProcess.start(plane, { serviceAccount: 'late', args: [...TWO, '--proxy-port', taken] });
    await assert.rejects(started, /ended with 3:.*PORT_IN_USE/s);
  });
});
