import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type net from 'node:net';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { type Echo, echoApplication, listening, MEGABYTES } from '../harness/echo-application.ts';
import { allowOnly, STRICT } from '../harness/policies.ts';
import { SidecarProcess } from '../harness/sidecar.ts';
import { ask, requestOf, say } from '../harness/through-sidecar.ts';

describe('messages of HTTP/1.1 through sidecars', () => {
  const app = echoApplication();
  let plane: ControlPlaneProcess;
  let orders: SidecarProcess;
  let users: SidecarProcess;

  before(async () => {
    const appPort = String(await listening(app));
    plane = await ControlPlaneProcess.start();
    await plane.apply([STRICT, allowOnly('orders-api', 'users-api')].join('---\n'));
    [orders, users] = await Promise.all([
      SidecarProcess.start(plane, {
        serviceAccount: 'orders-api',
        service: 'orders-api',
        args: ['--app-port', appPort],
      }),
      SidecarProcess.start(plane, { serviceAccount: 'users-api' }),
    ]);
    await until(
      'users-api to know the service',
      async () => (await ask(users, 'http://orders-api/api/x')).status === 200,
    );
  });

  after(async () => {
    await Promise.all([orders.stop(), users.stop()]);
    app.close();
    app.closeAllConnections();
    await plane.stop();
  });

  it('a request without a body arrives without one', async () => {
    const answer = await say(users, 'GET /api/x HTTP/1.1\r\nHost: orders-api\r\nConnection: close\r\n\r\n');
    assert.match(answer, /"bytes":0/);
    assert.doesNotMatch(answer, /transfer-encoding":"chunked/);
  });

  it('large answers come whole, and a caller that reads slowly stalls nobody else', async () => {
    const slow = http.get(requestOf(users, 'http://orders-api/api/large'));
    const [response] = (await once(slow, 'response')) as [http.IncomingMessage];
    response.pause();
    const started = performance.now();
    assert.equal((await ask(users, 'http://orders-api/api/quick')).status, 200);
    assert.ok(performance.now() - started < 5_000);
    let bytes = 0;
    response.on('data', (chunk: Buffer) => (bytes += chunk.length)).resume();
    await once(response, 'end');
    assert.equal(bytes, MEGABYTES * 1024 * 1024);
  });

  it('an application that breaks off in the middle of its answer is seen to have done so', async () => {
    await assert.rejects(ask(users, 'http://orders-api/api/broken'));
  });

  it('connections change their protocol', async () => {
    const request = http.request({
      ...requestOf(users, 'http://orders-api/api/socket'),
      headers: { host: 'orders-api', connection: 'upgrade', upgrade: 'echo' },
    });
    request.end();
    const [response, socket] = (await once(request, 'upgrade')) as [http.IncomingMessage, net.Socket];
    assert.equal(response.statusCode, 101);
    socket.write('there and back');
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    assert.equal(chunk.toString(), 'there and back');
    socket.destroy();
  });

  it('a caller of HTTP/1.0 is told that its connection ends', async () => {
    const answer = await say(users, 'GET /api/x HTTP/1.0\r\nHost: orders-api\r\nConnection: keep-alive\r\n\r\n');
    assert.match(answer, /connection: close/);
  });

  const ambiguous: readonly (readonly [string, string])[] = [
    ['two lengths', 'POST /api/x HTTP/1.1\r\nHost: orders-api\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    [
      'length and chunks',
      'POST /api/x HTTP/1.1\r\nHost: orders-api\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a bare line feed', 'GET /api/x HTTP/1.1\nHost: orders-api\n\n'],
    ['a folded line', 'GET /api/x HTTP/1.1\r\nHost: orders-api\r\nA: b\r\n c\r\n\r\n'],
    ['NUL', 'GET /api/x HTTP/1.1\r\nHost: orders-api\r\nA: b\0c\r\n\r\n'],
    ['chunks in HTTP/1.0', 'POST /api/x HTTP/1.0\r\nHost: orders-api\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a tunnel without a port', 'CONNECT nowhere HTTP/1.1\r\n\r\n'],
    ['two hosts', 'GET /api/x HTTP/1.1\r\nHost: orders-api\r\nHost: other\r\n\r\n'],
    ['no host', 'GET /api/x HTTP/1.1\r\n\r\n'],
  ];
  for (const [name, text] of ambiguous) {
    it(`a request with ${name} is refused with 400 and the connection closed`, async () => {
      const answer = await say(users, text);
      assert.match(answer, /^HTTP\/1\.1 400 /);
    });
  }

  it('headers beyond the limit are refused with 431, and what could not be read is on record', async () => {
    const answer = await say(users, `GET /api/x HTTP/1.1\r\nHost: orders-api\r\nA: ${'x'.repeat(70_000)}\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 431 /);
    await until('the records', async () => {
      const unread = (await plane.records()).filter(
        ({ reporter, response_flags: flags }) => reporter === 'source' && flags === 'DPE',
      );
      const isThere = (code: number, reason: RegExp): boolean =>
        unread.some((record) => record.response_code === code && reason.test(record.reason));
      return isThere(431, /headers/) && isThere(400, /its first line must be "CONNECT/);
    });
  });

  it('as many headers as one sidecar takes arrive, though it adds some of its own', async () => {
    const sent = Object.fromEntries(Array.from({ length: 96 }, (_, index) => [`x-header-${index}`, 'x']));
    const { status, body } = await ask(users, 'http://orders-api/api/x', { headers: sent });
    assert.equal(status, 200, body);
    assert.equal((JSON.parse(body) as Echo).headers['x-header-95'], 'x');
  });

  it('what is meant for the proxy goes no further', async () => {
    const headers = { 'proxy-authorization': 'Basic dXNlcjpzZWNyZXQ=', authorization: 'Basic YTpi' };
    const seen = JSON.parse((await ask(users, 'http://orders-api/api/x', { headers })).body) as Echo;
    assert.equal(seen.headers['proxy-authorization'], undefined);
    assert.equal(seen.headers['authorization'], headers.authorization);
  });

  it('an answer whose coding would be lost is refused, and its end says why', async () => {
    const answer = await ask(users, 'http://orders-api/api/coded');
    assert.deepEqual(
      [answer.status, answer.body],
      [502, 'the answer of the application is not HTTP as it should be\n'],
    );
    await until('the record', async () =>
      (await plane.records()).find(
        ({ reporter, response_flags: flags, reason }) =>
          reporter === 'destination' && flags === 'UPE' && /Transfer-Encoding/.test(reason),
      ),
    );
  });

  it('requests of one connection are answered in order, however they come', async () => {
    const one = (path: string, last = ''): string => `GET ${path} HTTP/1.1\r\nHost: orders-api\r\n${last}\r\n`;
    const answers = await say(users, one('/api/1') + one('/api/2') + one('/api/3', 'Connection: close\r\n'));
    assert.deepEqual(
      [...answers.matchAll(/"url":"(\/api\/\d)"/g)].map(([, url]) => url),
      ['/api/1', '/api/2', '/api/3'],
    );
  });

  it('a caller that asks first hears of a denial, and is not told to send its body', async () => {
    const post = (path: string): string =>
      `POST ${path} HTTP/1.1\r\nHost: orders-api\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n`;
    const statuses = async (text: string): Promise<string[]> =>
      [...(await say(users, text)).matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status ?? '');
    assert.deepEqual(await statuses(post('/admin')), ['403']);
    assert.deepEqual(await statuses(`${post('/api/x')}ab`), ['100', '200']);
  });
});
