import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { SocketStream } from '../stream/socket-stream.ts';
import { startServer, Talker } from '../testing/servers.ts';
import type { TestServer } from '../testing/servers.ts';
import { clock } from '../testing/real-clock.ts';
import { ServerConnections } from './server-connections.ts';
import type { ServerExchange } from './server-exchange.ts';

const REQUEST = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n';
const HALF = 'the caller sent half a request';

describe('a caller of HTTP/1.1 that sends no more', () => {
  let server: TestServer;
  let exchanges: ServerExchange[];
  let problems: string[];
  let gone: number;

  before(async () => {
    const connections = new ServerConnections({ clock });
    server = await startServer((socket) => {
      connections.serve(
        { stream: new SocketStream(socket) },
        {
          request: (exchange) => {
            exchanges.push(exchange);
            exchange.onGone(() => (gone += 1));
          },
          unreadable: ({ status, reason }) => problems.push(`${status} ${reason}`),
        },
      );
    });
  });
  beforeEach(() => {
    [exchanges, problems, gone] = [[], [], 0];
  });
  after(() => server.close());

  /** Sends a text and then no more, and answers what comes of it. */
  async function ended(text: string): Promise<Talker> {
    const talker = Talker.to(server.port);
    talker.socket.end(text, 'latin1');
    await until('the end of the connection', () => {
      exchanges.find(({ isOver, isRead }) => isRead && !isOver)?.answer(200, ['content-length', '0'], Buffer.alloc(0));
      return talker.hasEnded || talker.error !== '';
    });
    talker.socket.destroy();
    return talker;
  }

  it('a caller that has said all it will is answered all that it asked', async () => {
    const { heard } = await ended(REQUEST.repeat(3));
    assert.equal(heard.split('HTTP/1.1 200 OK').length - 1, 3, heard);
    assert.deepEqual(problems, []);
  });

  it('half a head is told so, and reported, also behind a whole request', async () => {
    const { heard } = await ended('GET /a HTTP/1.1\r\nHo');
    assert.match(heard, /^HTTP\/1\.1 400 Bad Request/);
    const behind = await ended(`${REQUEST}GET`);
    assert.match(behind.heard, /^HTTP\/1\.1 200 OK[^]*HTTP\/1\.1 400 Bad Request/);
    assert.deepEqual(problems, [`400 ${HALF}`, `400 ${HALF}`]);
  });

  it('half a body ends the connection, and whoever was to take the other half hears of it', async () => {
    await ended('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc');
    await ended(`${REQUEST}POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc`);
    assert.deepEqual([exchanges.length, gone], [3, 2]);
  });

  it('nothing is said to a caller that leaves between two requests, or behind an empty line', async () => {
    for (const text of ['', `${REQUEST}\r\n`]) {
      const { heard } = await ended(text);
      assert.doesNotMatch(heard, / 400 /);
    }
    assert.deepEqual(problems, []);
  });
});
