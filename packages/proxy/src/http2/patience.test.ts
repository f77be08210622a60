import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { GivenUpError } from '../http/given-up.ts';
import { MessageHead } from '../http1/head.ts';
import { SocketStream } from '../stream/socket-stream.ts';
import { clock } from '../testing/real-clock.ts';
import { startServer } from '../testing/servers.ts';
import type { TestServer } from '../testing/servers.ts';
import type { Http2Exchange } from './server-exchange.ts';
import { Http2ServerSessions } from './server-sessions.ts';

const passing = { ...clock, now: () => performance.now() };
/** An empty SETTINGS, and GET / of "x" over http on stream 1: then nothing more, and no answer to any PING. */
const MUTE = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 6, 1, 5, 0, 0, 0, 1, 0x82, 0x84, 0x86, 0x41, 1, 0x78]);

describe('callers over HTTP/2 that do not go on', () => {
  const sessions = new Http2ServerSessions({
    clock: passing,
    patience: { look: 30, audit: 30, pong: 60, stall: 90, body: 90 },
  });
  const requests: Http2Exchange[] = [];
  let server: TestServer;

  before(async () => {
    server = await startServer((socket) => {
      sessions.serve({ stream: new SocketStream(socket) }, { request: (exchange) => void requests.push(exchange) });
    });
  });
  after(() => {
    sessions.close();
    server.close();
  });

  it('a caller that is gone without a word is noticed while it has a request', async () => {
    const socket = connect(server.port, '127.0.0.1').resume();
    socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), MUTE]));
    await once(socket, 'close');
    await until('its request to be over', () => requests.at(-1)?.isOver === true);
  });

  it('a caller that takes nothing of its answer loses it, and keeps its connection', async () => {
    const session = http2.connect(`http://127.0.0.1:${server.port}`);
    const stream = session.request({ ':path': '/' });
    stream.on('error', () => undefined);
    const known = requests.length;
    await until('the request', () => requests.length > known);
    const exchange = requests.at(-1);
    const gone = Promise.withResolvers<undefined>();
    exchange?.onGone(() => gone.resolve(undefined));
    answer(exchange, [Buffer.alloc(1_000_000)]);
    await gone.promise;
    assert.equal(session.destroyed, false);
    session.destroy();
  });

  for (const [what, headers, isGivenUp] of [
    ['half a body', {}, true],
    ['half a body of an announced length', { 'content-length': '1000' }, true],
    ['a stream of messages that is quiet', { 'content-type': 'application/grpc' }, false],
    ['a stream of messages of Connect', { 'content-type': 'application/connect+json' }, false],
  ] as const)
    it(`${what} is ${isGivenUp ? 'answered with 408' : 'waited for'}`, async () => {
      const session = http2.connect(`http://127.0.0.1:${server.port}`);
      const stream = session.request({ ':path': '/', ':method': 'POST', ...headers });
      stream.write('half of it');
      const known = requests.length;
      await until('the request', () => requests.length > known);
      const exchange = requests.at(-1);
      const reasons: Error[] = [];
      const sink = { requestBody: () => true, responseRoom: () => undefined };
      exchange?.takeBody({ ...sink, abandoned: (error) => void reasons.push(error) });
      if (isGivenUp) {
        const [answer] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
        assert.deepEqual([answer[':status'], reasons.map((error) => error instanceof GivenUpError)], [408, [true]]);
      } else {
        const begin = performance.now();
        await until('many looks', () => performance.now() - begin > 300);
        assert.deepEqual([exchange?.isOver, reasons], [false, []]);
      }
      session.destroy();
    });

  it('a request that is quiet is left alone', async () => {
    const session = http2.connect(`http://127.0.0.1:${server.port}`);
    const known = requests.length;
    const stream = session.request({ ':path': '/' });
    await until('the request', () => requests.length > known);
    const [first, second] = [performance.now(), requests.at(-1)];
    await until('many looks', () => performance.now() - first > 300);
    answer(second, [Buffer.from('after all')], true);
    let body = '';
    for await (const chunk of stream) body += String(chunk);
    assert.equal(body, 'after all');
    session.destroy();
  });

  function answer(exchange: Http2Exchange | undefined, body: readonly Buffer[], isLast = false): void {
    if (exchange === undefined) assert.fail('there is no request');
    exchange.takeBody({ requestBody: () => true, abandoned: () => undefined, responseRoom: () => undefined });
    const line = { method: '', url: '', status: 200, reasonPhrase: 'OK', httpVersion: '2' };
    exchange.respond(new MessageHead(line, []), { body, isLast, trailers: [] });
  }
});
