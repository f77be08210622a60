import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { promisify } from 'node:util';

import { ResponseFlag } from '@rampart/mesh';
import { until } from '@rampart/testkit';
import { FakeClock } from '@rampart/testkit/fake-clock';

import { SocketStream } from '../../stream/socket-stream.ts';
import { LoopbackDoor } from '../../testing/outbound-door.ts';
import { startServer, Talker } from '../../testing/servers.ts';
import type { TestServer } from '../../testing/servers.ts';
import { HttpProxyEntrance } from './http-proxy-entrance.ts';
import type { ProxiedHttp } from './http-proxy-entrance.ts';

const run = promisify(execFile);

describe('the port of an HTTP proxy', () => {
  const clock = new FakeClock();
  let door: LoopbackDoor;
  let handed: ProxiedHttp[];
  let problems: number[];
  let entrance: TestServer;
  let http: Server;

  before(async () => {
    http = createServer((_request, response) => response.end('through CONNECT'));
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    entrance = await startServer((socket) => {
      const proxy = new HttpProxyEntrance({
        door,
        clock,
        http: (connection) => void handed.push(connection),
        unreadable: (problem) => problems.push(problem.status),
      });
      proxy.enter(new SocketStream(socket));
    });
  });
  beforeEach(() => {
    [door, handed, problems] = [new LoopbackDoor(), [], []];
    door.port = (http.address() as AddressInfo).port;
  });
  after(() => {
    entrance.close();
    http.close();
  });

  it('carries what curl asks for', async () => {
    const url = 'http://orders-api.default.svc:8080/x';
    const { stdout } = await run('curl', ['-sS', '-m', '10', '-p', '-x', `http://127.0.0.1:${entrance.port}`, url]);
    assert.equal(stdout, 'through CONNECT');
    assert.deepEqual(door.destinations, [{ host: 'orders-api.default.svc', port: 8080 }]);
  });

  it('carries what came with the request', async () => {
    const talker = Talker.to(entrance.port);
    talker.socket.write('CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\nGET / HTTP/1.0\r\n\r\n');
    await until('the answer', () => talker.heard.endsWith('through CONNECT'));
    assert.ok(talker.heard.startsWith('HTTP/1.1 200 Connection Established\r\n\r\nHTTP/1.1 200 OK\r\n'));
    assert.deepEqual(door.destinations, [{ host: '2001:db8::1', port: 443 }]);
    talker.socket.destroy();
  });

  it('hands on whatever is no CONNECT, with all its bytes', async () => {
    for (const first of ['GET http://orders-api/ HTTP/1.1\r\n', 'CON', 'C', 'PRI * HTTP/2.0\r\n']) {
      const talker = Talker.to(entrance.port);
      talker.socket.write(first);
      if (first.startsWith('CON') || first === 'C') {
        await until('a byte', () => (entrance.sockets.at(-1)?.bytesRead ?? 0) === first.length);
        talker.socket.write('T / HTTP/1.1\r\n');
      }
      const { head } = await until('the connection', () => handed.pop());
      assert.ok(head.toString().startsWith(first));
      talker.socket.destroy();
    }
  });

  const answers: readonly [rule: string, sent: string, status: number][] = [
    ['a destination without a port', 'CONNECT orders-api HTTP/1.1\r\n\r\n', 400],
    ['a port that is none', 'CONNECT orders-api:65536 HTTP/1.1\r\n\r\n', 400],
    ['port 0', 'CONNECT orders-api:0 HTTP/1.1\r\n\r\n', 400],
    ['an address without brackets', 'CONNECT 2001:db8::1:443 HTTP/1.1\r\n\r\n', 400],
    ['a name in brackets', 'CONNECT [dead]:443 HTTP/1.1\r\n\r\n', 400],
    ['a path', 'CONNECT http://a:80/ HTTP/1.1\r\n\r\n', 400],
    ['another version', 'CONNECT a:80 HTTP/2.0\r\n\r\n', 400],
    ['a body', 'CONNECT a:80 HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello', 400],
    ['a body in chunks', 'CONNECT a:80 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    ['a header with a space before its colon', 'CONNECT a:80 HTTP/1.1\r\nHost : a\r\n\r\n', 400],
    ['a folded header', 'CONNECT a:80 HTTP/1.1\r\nX: a\r\n b\r\n\r\n', 400],
    ['a bare line feed', 'CONNECT a:80 HTTP/1.1\r\nX: a\nY: b\r\n\r\n', 400],
    ['a NUL', 'CONNECT a:80 HTTP/1.1\r\nX: \0\r\n\r\n', 400],
    ['a head without an end', `CONNECT a:80 HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`, 431],
  ];
  for (const [rule, sent, status] of answers) {
    it(`${rule} is answered with ${status}`, async () => {
      const talker = Talker.to(entrance.port);
      talker.socket.write(sent);
      await until('the answer', () => talker.hasEnded);
      assert.ok(talker.heard.startsWith(`HTTP/1.1 ${status} `), talker.heard);
      assert.deepEqual(problems, [status]);
      assert.deepEqual(door.destinations, []);
      talker.socket.destroy();
    });
  }

  const refusals: readonly [flag: ResponseFlag, status: number, policy?: string][] = [
    [ResponseFlag.denied, 403],
    [ResponseFlag.noInstance, 403, 'istio-system/default'],
    [ResponseFlag.noRoute, 404],
    [ResponseFlag.noInstance, 503],
    [ResponseFlag.connectFailed, 503],
  ];
  for (const [flag, status, policy = ''] of refusals) {
    it(`a connection that ends with ${flag}${policy} before it begins is answered with ${status}`, async () => {
      door.refusal = { flag, reason: 'the reason', policy };
      const talker = Talker.to(entrance.port);
      talker.socket.write('CONNECT a:80 HTTP/1.1\r\n\r\n');
      await until('the answer', () => talker.hasEnded);
      assert.ok(talker.heard.startsWith(`HTTP/1.1 ${status} `));
      assert.ok(talker.heard.endsWith('\r\n\r\nthe reason\n'));
      talker.socket.destroy();
    });
  }

  it('a connection on which nothing is asked is closed without an answer', async () => {
    const talker = Talker.to(entrance.port);
    await until('the connection', () => clock.pending > 0);
    await clock.advance(10_000);
    await until('its end', () => talker.hasEnded);
    assert.equal(talker.heard, '');
    assert.deepEqual(problems, []);
    talker.socket.destroy();
  });

  it('a head that does not end in time is answered with 408', async () => {
    const talker = Talker.to(entrance.port);
    talker.socket.write('CONNECT a:80 HTTP/1.1\r\n');
    await until('a byte', () => (entrance.sockets.at(-1)?.bytesRead ?? 0) > 0 && clock.pending > 0);
    await clock.advance(10_000);
    await until('the answer', () => talker.hasEnded);
    assert.ok(talker.heard.startsWith('HTTP/1.1 408 '));
    talker.socket.destroy();
  });
});
