import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import type { TLSSocket } from 'node:tls';

import { TestCa, until } from '@rampart/testkit';
import { FakeClock } from '@rampart/testkit/fake-clock';

import { SocketStream } from '../stream/socket-stream.ts';
import { startServer, Talker } from '../testing/servers.ts';
import type { TestServer } from '../testing/servers.ts';
import { connectTcp } from './connect-tcp.ts';
import { Tunnel } from './tunnel.ts';
import type { TunnelEnd } from './tunnel.ts';
import { within } from './within.ts';

const IDLE_MS = 60_000;
const HALF_MIB = 512 * 1024;

describe('a tunnel', () => {
  const clock = new FakeClock();
  let serve: (socket: Socket) => void;
  let application: TestServer;
  let entrance: TestServer;
  let ends: TunnelEnd[];
  let tunnels: Tunnel[];
  let head: Buffer;
  let connect: (signal: AbortSignal) => Promise<SocketStream>;
  let wrap: (socket: Socket, done: (wrapped: Socket) => void) => void;
  let tls: { readonly key: string; readonly cert: string };
  let root: string;

  const through = (socket: Socket): void => {
    tunnels.push(
      new Tunnel({
        near: new SocketStream(socket),
        head,
        connect: (signal) => connect(signal),
        failed: ({ message }) => ({ flag: 'UF', reason: message, policy: '' }),
        clock,
        idleMs: IDLE_MS,
        ended: (end) => ends.push(end),
      }),
    );
  };
  const end = (): Promise<TunnelEnd> => until('the end', () => ends[0]);

  before(async () => {
    const ca = await TestCa.create('cluster.local', Date.now());
    const { keyPem, certPem } = await ca.issueServer(Date.now(), { dnsNames: ['app'] });
    root = ca.rootPem;
    tls = { key: keyPem, cert: certPem };
    application = await startServer((socket) => serve(socket));
    entrance = await startServer((socket) => wrap(socket, through));
  });
  beforeEach(() => {
    [ends, tunnels, head] = [[], [], Buffer.alloc(0)];
    serve = (socket) => socket.pipe(socket);
    wrap = (socket, done) => done(socket);
    connect = (signal) => connectTcp({ host: '127.0.0.1', port: application.port }, signal);
  });
  after(() => {
    entrance.close();
    application.close();
  });

  it('lets the server speak first', async () => {
    serve = (socket) => socket.write('220 ready');
    const talker = Talker.to(entrance.port);
    await until('the greeting', () => talker.heard === '220 ready');
    talker.socket.resetAndDestroy();
    assert.deepEqual([(await end()).bytesReceived, (await end()).bytesSent], [0, 9]);
  });

  it('gives what was read before its time first, and counts it', async () => {
    head = Buffer.from('he');
    const talker = Talker.to(entrance.port);
    talker.socket.end('ad');
    await once(talker.socket, 'close');
    assert.equal(talker.heard, 'head');
    assert.deepEqual(await end(), { ending: { flag: '-', reason: '', policy: '' }, bytesReceived: 4, bytesSent: 4 });
  });

  it('carries the caller’s half-close, and the answer after it', async () => {
    let asked = '';
    serve = (socket) => {
      socket.on('data', (chunk: Buffer) => (asked += chunk.toString()));
      socket.on('end', () => socket.end(`you said ${asked}`));
    };
    const talker = Talker.to(entrance.port);
    talker.socket.end('all');
    await once(talker.socket, 'close');
    assert.deepEqual([talker.heard, talker.error], ['you said all', '']);
    assert.equal((await end()).ending.flag, '-');
  });

  it('carries the server’s half-close, and what the caller says after it', async () => {
    let asked = '';
    serve = (socket) => {
      socket.end('bye');
      socket.on('data', (chunk: Buffer) => (asked += chunk.toString()));
    };
    const talker = Talker.to(entrance.port);
    await until('the half-close', () => talker.hasEnded);
    talker.socket.end('still here');
    assert.equal((await end()).ending.flag, '-');
    assert.equal(asked, 'still here');
  });

  for (const isTls of [false, true]) {
    const over = isTls ? 'TLS' : 'TCP';

    describe(`over ${over}`, () => {
      let dialed: Talker | undefined;
      const talk = (): Talker => {
        if (!isTls) return (dialed = Talker.to(entrance.port));
        const raw = Talker.to(entrance.port).socket;
        return (dialed = new Talker(connectTls({ socket: raw, ca: root, servername: 'app' })));
      };
      beforeEach(() => {
        if (!isTls) return;
        const server = createTlsServer(tls);
        wrap = (socket, done) => {
          server.once('secureConnection', (secured: TLSSocket) => done(secured));
          server.emit('connection', socket);
        };
      });

      it('carries half-closes', async () => {
        const talker = talk();
        talker.socket.end('echo');
        await once(talker.socket, 'close');
        assert.deepEqual([talker.heard, talker.error, (await end()).ending.flag], ['echo', '', '-']);
      });

      it('carries the server’s reset', async () => {
        serve = (socket) => socket.once('data', () => socket.resetAndDestroy());
        const talker = talk();
        talker.socket.write('x');
        await until('the reset', () => talker.error === 'ECONNRESET');
        const { flag, reason } = (await end()).ending;
        assert.equal(flag, 'UC');
        assert.match(reason, /^the other side broke the connection: .*ECONNRESET/);
      });

      it('carries the caller’s reset', async () => {
        const failed = Promise.withResolvers<string | undefined>();
        serve = (socket) =>
          socket.resume().once('error', (error: Error & { code?: string }) => failed.resolve(error.code));
        const known = application.sockets.length;
        talk().socket.write('x');
        await until('the application', () => application.sockets[known]?.bytesRead === 1);
        assert.ok(dialed);
        const below: unknown = Reflect.get(dialed.socket, '_parent');
        ((below ?? dialed.socket) as Socket).resetAndDestroy();
        assert.equal(await failed.promise, 'ECONNRESET');
        assert.equal((await end()).ending.flag, 'DC');
      });
    });
  }

  it('holds back a server whose caller does not read, and nobody else', async () => {
    const chunk = Buffer.alloc(HALF_MIB, 'x');
    const total = 64 * HALF_MIB;
    serve = (socket) => {
      for (let sent = 0; sent < total; sent += HALF_MIB) socket.write(chunk);
      socket.end();
    };
    const known = application.sockets.length;
    const slow = Talker.to(entrance.port);
    slow.socket.pause();
    const server = await until('the server', () => application.sockets[known]);
    let [before, times] = [-1, 0];
    await until('the server to be held back', () => {
      times = server.writableLength === before && before > total / 2 ? times + 1 : 0;
      before = server.writableLength;
      return times > 5;
    });
    serve = (socket) => socket.pipe(socket);
    const other = Talker.to(entrance.port);
    other.socket.write('quick');
    await until('an answer', () => other.heard === 'quick');
    other.socket.end();
    await until('the other end', () => ends.length === 1);
    slow.socket.resume().end();
    await until('the rest', () => ends.length === 2 && slow.isClosed);
    assert.equal(ends[1]?.bytesSent, total);
    assert.equal(slow.heard.length, total);
  });

  it('ends when nothing was sent for too long, and not before', async () => {
    const talker = Talker.to(entrance.port);
    talker.socket.write('a');
    await until('an answer', () => talker.heard === 'a');
    await clock.advance(IDLE_MS - 1);
    talker.socket.write('b');
    await until('an answer', () => talker.heard === 'ab');
    await clock.advance(IDLE_MS - 1);
    assert.equal(ends.length, 0);
    await clock.advance(1);
    assert.deepEqual((await end()).ending, { flag: 'SI', reason: 'nothing was sent for 60 s', policy: '' });
    await until('the caller to be told', () => talker.isClosed);
    assert.equal(clock.pending, 0);
  });

  it('ends where the other side cannot be reached', async () => {
    const gone = await startServer(() => {});
    gone.close();
    connect = (signal) => connectTcp({ host: '127.0.0.1', port: gone.port }, signal);
    const talker = Talker.to(entrance.port);
    const { flag, reason } = (await end()).ending;
    assert.equal(flag, 'UF');
    assert.match(reason, /ECONNREFUSED/);
    await until('the caller to be told', () => talker.isClosed);
  });

  it('waits for the other side as long as it may', async () => {
    const never = (signal: AbortSignal): Promise<SocketStream> =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    connect = (signal) => within({ clock, milliseconds: 5000, signal }, never);
    Talker.to(entrance.port).socket.write('early');
    await until('the tunnel', () => tunnels.length === 1);
    await clock.advance(4999);
    assert.equal(ends.length, 0);
    await clock.advance(1);
    assert.equal((await end()).ending.reason, 'no connection within 5000 ms');
    assert.equal(clock.pending, 0);
  });

  it('gives up connecting when the caller goes away', async () => {
    const asked = Promise.withResolvers<AbortSignal>();
    connect = (signal) => {
      asked.resolve(signal);
      return new Promise(() => {});
    };
    const talker = Talker.to(entrance.port);
    const signal = await asked.promise;
    talker.socket.resetAndDestroy();
    assert.equal((await end()).ending.flag, 'DC');
    assert.equal(signal.aborted, true);
  });

  it('is closed from outside with a reason of its own', async () => {
    const talker = Talker.to(entrance.port);
    talker.socket.write('a');
    await until('an answer', () => talker.heard === 'a');
    tunnels[0]?.close({ flag: 'UAEX', reason: 'policy', policy: 'default/p' });
    tunnels[0]?.close({ flag: 'UC', reason: 'again', policy: '' });
    await until('the caller to be told', () => talker.error === 'ECONNRESET');
    assert.deepEqual(
      ends.map(({ ending }) => ending.reason),
      ['policy'],
    );
  });
});
