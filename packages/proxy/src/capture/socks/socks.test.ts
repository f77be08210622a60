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
import { parseGreeting, parseRequest } from './socks-message.ts';
import { SocksEntrance } from './socks-entrance.ts';

const run = promisify(execFile);
const GREETING = Buffer.of(5, 1, 0);
const name = (text: string): number[] => [3, text.length, ...Buffer.from(text)];
const request = (address: readonly number[], command = 1, port: readonly number[] = [0x15, 0x38]): Buffer =>
  Buffer.of(5, command, 0, ...address, ...port);
const six = [4, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

describe('SOCKS', () => {
  const clock = new FakeClock();
  let door: LoopbackDoor;
  let entrance: TestServer;
  let echo: TestServer;
  let http: Server;

  before(async () => {
    echo = await startServer((socket) => socket.pipe(socket));
    http = createServer((_request, response) => response.end('through SOCKS'));
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    entrance = await startServer((socket) => new SocksEntrance({ door, clock }).enter(new SocketStream(socket)));
  });
  beforeEach(() => {
    door = new LoopbackDoor();
    door.port = echo.port;
  });
  after(() => {
    entrance.close();
    echo.close();
    http.close();
  });

  const hex = (talker: Talker): string => Buffer.from(talker.heard, 'latin1').toString('hex');

  it('carries what curl asks for, by name and by address', async () => {
    door.port = (http.address() as AddressInfo).port;
    const proxy = `127.0.0.1:${entrance.port}`;
    const byName = await run('curl', [
      '-sS',
      '-m',
      '10',
      '--socks5-hostname',
      proxy,
      'http://orders-api.default.svc:8080/x',
    ]);
    assert.equal(byName.stdout, 'through SOCKS');
    const byAddress = await run('curl', ['-sS', '-m', '10', '--socks5', proxy, 'http://192.0.2.7:81/x']);
    assert.equal(byAddress.stdout, 'through SOCKS');
    assert.deepEqual(door.destinations, [
      { host: 'orders-api.default.svc', port: 8080 },
      { host: '192.0.2.7', port: 81 },
    ]);
  });

  it('takes what a client sends all at once', async () => {
    const talker = Talker.to(entrance.port);
    talker.socket.end(Buffer.concat([GREETING, request(name('db')), Buffer.from('SELECT 1')]));
    await once(talker.socket, 'close');
    assert.equal(hex(talker), `050005000001000000000000${Buffer.from('SELECT 1').toString('hex')}`);
    assert.deepEqual(door.destinations, [{ host: 'db', port: 5432 }]);
  });

  it('takes what a client sends byte by byte', async () => {
    const talker = Talker.to(entrance.port);
    talker.socket.setNoDelay(true);
    for (const byte of [...GREETING, ...request(six)]) {
      talker.socket.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    talker.socket.end();
    await once(talker.socket, 'close');
    assert.deepEqual(door.destinations, [{ host: '2001:db8::1', port: 5432 }]);
  });

  const replies: readonly [rule: string, sent: Buffer, reply: string][] = [
    ['a client that insists on a password', Buffer.of(5, 1, 2), '05ff'],
    ['a command that is not CONNECT', request(name('db'), 2), '050005070001000000000000'],
    ['an address of an unknown type', request([9, 1, 2, 3, 4]), '050005080001000000000000'],
    ['port 0', request(name('db'), 1, [0, 0]), '050005010001000000000000'],
    ['a name that is none', request(name('a b')), '050005010001000000000000'],
    ['a request of another version', Buffer.of(4, 1, 0, 1, 1, 1, 1, 1, 0, 80), '050005010001000000000000'],
  ];
  for (const [rule, sent, reply] of replies) {
    it(`${rule} is told so`, async () => {
      const talker = Talker.to(entrance.port);
      talker.socket.write(reply.startsWith('05ff') ? sent : Buffer.concat([GREETING, sent]));
      await until('the reply', () => talker.hasEnded);
      assert.equal(hex(talker), reply);
      assert.deepEqual(door.destinations, []);
      talker.socket.end();
      await once(talker.socket, 'close');
    });
  }

  const refusals: readonly [flag: ResponseFlag, code: string, policy?: string][] = [
    [ResponseFlag.noInstance, '02', 'istio-system/default'],
    [ResponseFlag.denied, '02'],
    [ResponseFlag.noRoute, '04'],
    [ResponseFlag.noInstance, '04'],
    [ResponseFlag.connectFailed, '05'],
    [ResponseFlag.upstreamReset, '01'],
  ];
  for (const [flag, code, policy = ''] of refusals) {
    it(`a connection that ends with ${flag}${policy} before it begins is answered with ${code}`, async () => {
      door.refusal = { flag, reason: 'no', policy };
      const talker = Talker.to(entrance.port);
      talker.socket.write(Buffer.concat([GREETING, request(name('db'))]));
      await until('the reply', () => talker.hasEnded);
      assert.equal(hex(talker), `050005${code}0001000000000000`);
      talker.socket.end();
    });
  }

  for (const [what, bytes] of [
    ['nothing', Buffer.alloc(0)],
    ['half a greeting', Buffer.of(5)],
    ['half a request', Buffer.concat([GREETING, request(name('db')).subarray(0, 5)])],
  ] as const) {
    it(`a client that sends ${what} is not waited for`, async () => {
      const talker = Talker.to(entrance.port);
      talker.socket.write(bytes);
      const known = clock.pending;
      await until('the deadline to be set', () => clock.pending > known || clock.pending > 0);
      await until('what was sent', () => (entrance.sockets.at(-1)?.bytesRead ?? 0) >= bytes.length);
      await clock.advance(11_000);
      await until('the end', () => talker.isClosed || talker.hasEnded);
      assert.deepEqual(door.destinations, []);
      talker.socket.destroy();
    });
  }

  it('another protocol is closed at once', async () => {
    const talker = Talker.to(entrance.port);
    talker.socket.write('GET / HTTP/1.1\r\n\r\n');
    await until('the end', () => talker.isClosed);
    assert.equal(talker.heard, '');
  });
});

describe('messages of SOCKS', () => {
  it('a greeting is whole when its methods are', () => {
    assert.deepEqual(parseGreeting(Buffer.of(5, 2, 1)), { kind: 'more' });
    assert.deepEqual(parseGreeting(Buffer.of(5, 2, 1, 0, 5)), { kind: 'done', value: true, length: 4 });
    assert.deepEqual(parseGreeting(Buffer.of(5, 0)), { kind: 'bad', reason: 'a greeting without methods' });
  });

  it('a request is whole when its port is', () => {
    const whole = request(name('db.default.svc.'));
    for (let length = 0; length < whole.length; length += 1) {
      assert.deepEqual(parseRequest(whole.subarray(0, length)), { kind: 'more' });
    }
    const destination = { host: 'db.default.svc', port: 5432 };
    assert.deepEqual(parseRequest(whole), {
      kind: 'done',
      value: { kind: 'connect', destination },
      length: whole.length,
    });
  });
});
