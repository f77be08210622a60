// Clients of either version of HTTP, in process, in front of services of either version.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';
import type { Tools } from '../harness/laboratory.ts';
import { STRICT } from '../harness/policies.ts';
import { SidecarProcess } from '../harness/sidecar.ts';

const RULES = ['old', 'new', 'aside']
  .map(
    (host) => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${host}, namespace: default }
spec: { hosts: [${host}], http: [{ timeout: 9s, headers: { response: { set: { x-ruled: "yes" } } }, route: [{ destination: { host: ${host} } }] }] }
`,
  )
  .join('---\n');
const NO_HTTP2 = /an instance of old\.default\.svc, speaks HTTP\/1\.1 only/;

describe('either version of HTTP, in process', () => {
  /** Behind a sidecar, in this process. */
  const aside = createServer((_, response) => response.end('aside'));
  let plane: ControlPlaneProcess;
  let old: Laboratory;
  let modern: Laboratory;
  let users: Laboratory;
  let sidecar: SidecarProcess;

  before(async () => {
    aside.listen(0, '127.0.0.1');
    await once(aside, 'listening');
    plane = await ControlPlaneProcess.start();
    await plane.apply(STRICT);
    const args = ['--app-port', String((aside.address() as AddressInfo).port), '--app-protocol', 'http2'];
    [old, modern, users, sidecar] = await Promise.all([
      Laboratory.start(plane, { serviceAccount: 'old', service: 'old' }),
      Laboratory.start(plane, { serviceAccount: 'new', service: 'new' }),
      Laboratory.start(plane, { serviceAccount: 'users' }),
      SidecarProcess.start(plane, { serviceAccount: 'aside', service: 'aside', args }),
    ]);
    await plane.registered('old', await old.run(serveHttp1));
    await plane.registered('new', await modern.run(serveHttp2));
    for (const [job, host] of [
      [get, 'old'],
      [get, 'aside'],
      [getOverHttp2, 'new'],
    ] as const)
      await until(`${host} to answer`, () =>
        users.run(job, host).then(
          ({ body }) => body === host,
          () => false,
        ),
      );
  });

  after(async () => {
    aside.close();
    await Promise.all([old.kill(), modern.kill(), users.kill(), sidecar.stop()]);
    await plane.stop();
  });

  for (const isRuled of [false, true]) {
    describe(isRuled ? 'with rules of traffic' : 'without rules of traffic', () => {
      before(async () => {
        if (!isRuled) return;
        await plane.apply(RULES);
        await until('the rules to be known', async () => (await users.run(get, 'old')).ruled === 'yes');
      });
      const ruled = isRuled ? 'yes' : null;

      for (const form of ['fetch', 'http'] as const) {
        it(`${form} speaks HTTP/1.1 to a service of HTTP/2 behind a sidecar, which translates`, async () => {
          const { body, status } = await users.run(form === 'fetch' ? get : getByHttp, 'aside');
          assert.deepEqual([status, body], [200, 'aside']);
        });
      }

      it('undici with `allowH2` agrees on HTTP/2 where the service speaks it', async () => {
        for (const host of ['new', 'aside'])
          assert.deepEqual(await users.run(getOverHttp2, host), { status: 200, body: host, ruled });
      });

      it('the listener of tls.connect is called once there is something to agree on', async () => {
        assert.equal(await users.run(agree, 'new'), 'h2');
        assert.notEqual(await users.run(agree, 'old'), 'h2');
      });

      it('http2.connect to a service of HTTP/1.1 in process: told what it speaks', async () => {
        assert.match(await users.run(getByHttp2, 'old'), NO_HTTP2);
        assert.equal(await users.run(getByHttp2, 'new'), '200 new');
      });

      it('a request that asks for the end of its connection gets it, over a socket of its own', async () => {
        assert.match(await users.run(getAndClose, 'old'), /^HTTP\/1\.1 200 OK[^]*\r\n\r\nold$/);
      });
    });
  }
});

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly ruled: string | null;
}

async function serveHttp1({ http, events: { once: first } }: Tools): Promise<number> {
  const server = http.createServer((_, response) => response.end('old')).listen(0, '127.0.0.1');
  await first(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function serveHttp2({ http2, events: { once: first } }: Tools): Promise<number> {
  const server = http2.createServer((_, response) => response.end('new')).listen(0, '127.0.0.1');
  await first(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function get(_: Tools, host: string): Promise<Answer> {
  const response = await fetch(`http://${host}/`);
  return { status: response.status, body: await response.text(), ruled: response.headers.get('x-ruled') };
}

async function getByHttp({ http, events: { once: first } }: Tools, host: string): Promise<Partial<Answer>> {
  const [response] = (await first(http.get(`http://${host}/`), 'response')) as [import('node:http').IncomingMessage];
  return { status: response.statusCode ?? 0, body: (await response.toArray()).join('') };
}

async function getOverHttp2({ undici }: Tools, host: string): Promise<Answer> {
  const dispatcher = new undici.Agent({ allowH2: true });
  try {
    const { statusCode, headers, body } = await undici.request(`https://${host}/`, { dispatcher });
    return { status: statusCode, body: await body.text(), ruled: String(headers['x-ruled'] ?? '') || null };
  } finally {
    await dispatcher.close();
  }
}

/** What a session of HTTP/2 gets, or why it gets nothing. */
function getByHttp2({ http2 }: Tools, host: string): Promise<string> {
  const session = http2.connect(`http://${host}`);
  return new Promise((resolve) => {
    const fail = (error: Error): void => resolve(error.message);
    session.on('error', fail);
    const stream = session.request({ ':path': '/' });
    let [status, text] = ['', ''];
    stream.on('response', (headers) => (status = String(headers[':status'])));
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    stream.on('error', fail);
    stream.on('end', () => {
      session.close();
      resolve(`${status} ${text}`);
    });
  });
}

/** What a client knows of the protocol when it is told that it is connected. */
function agree({ tls }: Tools, host: string): Promise<string | false | null> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host, port: 443, ALPNProtocols: ['h2', 'http/1.1'] }, () => {
      resolve(socket.alpnProtocol);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

async function getAndClose({ net, events: { once: first } }: Tools, host: string): Promise<string> {
  const socket = net.connect(80, host);
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  await first(socket, 'close');
  return text;
}
