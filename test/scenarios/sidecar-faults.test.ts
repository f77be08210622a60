import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';

import type { AccessLogRecord } from '@rampart/core';
import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { bareEnvironment } from '../harness/environment.ts';
import { STRICT } from '../harness/policies.ts';
import { SidecarProcess } from '../harness/sidecar.ts';
import { ADDRESSES, noHosts, TwoHosts } from '../harness/two-hosts.ts';

const MEGABYTE = 1024 * 1024;
/** Bodies that nobody reads, and how much of them is sent at least. */
const [BODIES, SENT_BYTES] = [20, 48 * MEGABYTE];
/** What a sidecar may need more for them; they may have 32 MiB of windows beyond what streams begin with. */
const MOST_GROWTH_MEGABYTES = 96;

const APPLICATION = `
import { createServer } from 'node:http';
createServer((request, response) => {
  if (request.url === '/unread') return;
  if (request.url.startsWith('/unanswered')) return console.log('asked');
  request.resume();
  response.end('served');
}).listen(8000, '127.0.0.1', () => console.log('ready'));
`;

interface Answer {
  readonly status: number;
  readonly body: string;
}

describe('two sidecars on two hosts', { skip: noHosts() }, () => {
  const agent = new http.Agent({ keepAlive: true });
  let hosts: TwoHosts;
  let application: ChildProcess;
  let plane: ControlPlaneProcess;
  let orders: SidecarProcess;
  let users: SidecarProcess;
  let doomed: SidecarProcess;

  before(async () => {
    hosts = await TwoHosts.join();
    const [file, ...args] = [...hosts.there, process.execPath, '--input-type=module', '--eval', APPLICATION];
    application = spawn(file, args, { env: bareEnvironment(), stdio: ['ignore', 'pipe', 'inherit'] });
    await said();
    plane = await ControlPlaneProcess.start({ host: ADDRESSES.control, workloadTtl: '6s' });
    await plane.apply(STRICT);
    const serving = (service: string): Promise<SidecarProcess> =>
      SidecarProcess.start(plane, {
        serviceAccount: service,
        service,
        args: ['--app-port', '8000', '--mesh-host', ADDRESSES.there],
        place: hosts.there,
      });
    [orders, doomed, users] = await Promise.all([
      serving('orders'),
      serving('doomed'),
      SidecarProcess.start(plane, { serviceAccount: 'users' }),
    ]);
    await until('the services to be known', async () => {
      const answers = [await ask('/'), await ask('/', 'doomed')];
      return answers.every(({ status }) => status === 200);
    });
  });

  after(async () => {
    agent.destroy();
    await Promise.all([orders.stop(), users.stop(), doomed.stop()]);
    application.kill();
    await plane.stop();
    hosts.close();
  });

  /** The next thing that the application says. */
  const said = async (): Promise<void> => {
    await once(application.stdout ?? application, 'data');
  };

  async function ask(path: string, service = 'orders', method = 'GET'): Promise<Answer> {
    const request = http.request({ ...place(path, service), method, agent }).end();
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    let body = '';
    for await (const chunk of response) body += String(chunk);
    return { status: response.statusCode ?? 0, body: body.trim() };
  }

  /** What is not sent again where a connection that carried requests before is lost. */
  const post = (path: string, service: string): Promise<Answer> => ask(path, service, 'POST');

  const place = (path: string, service = 'orders'): http.RequestOptions => ({
    host: '127.0.0.1',
    port: users.announcement.proxyPort,
    path: `http://${service}${path}`,
    headers: { host: service },
  });

  /** Asks by so many callers at once, until `isEnough`; returns what did not succeed, and how many did. */
  async function load(
    callers: number,
    isEnough: (served: number) => boolean,
  ): Promise<{ failed: Answer[]; served: number }> {
    const failed: Answer[] = [];
    let served = 0;
    const call = async (): Promise<void> => {
      while (!isEnough(served)) {
        const answer = await ask('/');
        if (answer.body === 'served') served += 1;
        else failed.push(answer);
      }
    };
    await Promise.all(Array.from({ length: callers }, call));
    return { failed, served };
  }

  const recorded = (path: string, reporter: string): Promise<AccessLogRecord> =>
    until(`the record of ${path}`, async () =>
      (await plane.records()).find((record) => record.request_path === path && record.reporter === reporter),
    );

  it('have their certificates replaced under load, and no request fails', async () => {
    const issued = async (): Promise<number> => {
      const ids = ['orders', 'users'].map((account) => `spiffe://cluster.local/ns/default/sa/${account}`);
      const lists = ids.map(async (spiffeId) => plane.admin.listCertificates({ spiffeId, limit: 100 }));
      return (await Promise.all(lists)).reduce((least, { certificates }) => Math.min(least, certificates.length), 100);
    };
    const enough = (await issued()) + 2;
    let isOver = false;
    const loading = load(8, () => isOver);
    await until('new certificates of both', async () => (await issued()) >= enough).finally(() => (isOver = true));
    const { failed, served } = await loading;
    assert.deepEqual(failed, []);
    assert.ok(served > 100, `only ${served} requests`);
  });

  it('lose time and no request on a cable that is slow, loses packets, and is cut for a moment', async () => {
    hosts.slow(4_000);
    hosts.lose(4);
    assert.deepEqual((await load(8, (served) => served >= 200)).failed, []);
    hosts.lose(100);
    const cut = load(4, (served) => served >= 4);
    await until('packets to be lost', () => hosts.lost > 1);
    hosts.mend();
    assert.deepEqual((await cut).failed, []);
  });

  it('serve a caller that has said its last word', async () => {
    const socket = net.connect({ port: users.announcement.proxyPort, host: '127.0.0.1', allowHalfOpen: true });
    socket.end('GET http://orders/ HTTP/1.1\r\nHost: orders\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    assert.match(text, /^HTTP\/1\.1 200 [^]*served/);
    socket.destroy();
  });

  it('hold bodies back that nobody reads, and serve the others meanwhile', async () => {
    const before = [users, orders].map(residentMegabytes);
    let sent = 0;
    const requests = Array.from({ length: BODIES }, () => {
      const request = http.request({ ...place('/unread'), method: 'POST' });
      request.on('error', () => undefined);
      const chunk = Buffer.alloc(MEGABYTE);
      const write = (): void => {
        do sent += chunk.length;
        while (request.write(chunk) && sent < 2 * SENT_BYTES);
        request.once('drain', write);
      };
      write();
      return request;
    });
    await until('much to be sent', () => sent >= SENT_BYTES);
    assert.deepEqual((await load(4, (served) => served >= 40)).failed, []);
    const growth = [users, orders].map((each, index) => residentMegabytes(each) - (before[index] ?? 0));
    assert.ok(Math.max(...growth) < MOST_GROWTH_MEGABYTES, `grown by ${growth.join(' and ')} MB`);
    for (const request of requests) request.destroy();
  });

  it('are told apart when one is killed in the middle of a request: it may have been handled, those that follow were not', async () => {
    const asked = said();
    const answer = post('/unanswered', 'doomed');
    await asked;
    doomed.process.kill('SIGKILL');
    assert.equal((await answer).status, 502);
    assert.equal((await recorded('/unanswered', 'source')).response_flags, 'UC');
    assert.equal((await ask('/after', 'doomed')).status, 503);
    assert.equal((await recorded('/after', 'source')).response_flags, 'UF');
  });

  it('say at both ends that an application was killed in the middle of a request', async () => {
    const asked = said();
    const answer = post('/unanswered?once=more', 'orders');
    await asked;
    application.kill('SIGKILL');
    assert.deepEqual(await answer, { status: 503, body: 'the application broke off' });
    assert.equal((await recorded('/unanswered?once=more', 'destination')).response_flags, 'UC');
    assert.equal((await recorded('/unanswered?once=more', 'source')).response_code, 503);
    const gone = await ask('/gone');
    assert.deepEqual(gone, { status: 503, body: 'the application does not answer' });
    assert.equal((await recorded('/gone', 'destination')).response_flags, 'UF');
  });
});

function residentMegabytes({ process: { pid } }: SidecarProcess): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}
