import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { connectTcp } from '../tcp/connect-tcp.ts';
import { startServer } from '../testing/servers.ts';
import type { TestServer } from '../testing/servers.ts';
import { ClientConnection } from './client-connection.ts';
import { MessageHead } from './head.ts';

const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n';

describe('an answer that changes to another protocol', () => {
  let server: TestServer;
  before(async () => {
    server = await startServer((socket) => socket.once('data', () => socket.write(SWITCHING)));
  });
  after(() => server.close());

  /** What becomes of a request that asks for another protocol, or does not. */
  async function answered(isUpgrade: boolean): Promise<string> {
    const stream = await connectTcp({ host: '127.0.0.1', port: server.port }, new AbortController().signal);
    const connection = new ClientConnection({ stream, idle: () => undefined, gone: () => undefined });
    const { promise, resolve } = Promise.withResolvers<string>();
    const start = { method: 'GET', url: '/', status: 0, reasonPhrase: '', httpVersion: '1.1' };
    const fields = isUpgrade ? ['Host', 'a', 'Connection', 'upgrade', 'Upgrade', 'echo'] : ['Host', 'a'];
    connection.send(
      { head: new MessageHead(start, fields), isUpgrade },
      { body: [], isLast: true, trailers: [] },
      {
        response: () => true,
        responseBody: () => true,
        inform: () => resolve('informed'),
        switched: () => resolve('switched'),
        requestRoom: () => undefined,
        failed: (error) => resolve(error.message),
      },
    );
    const what = await promise;
    stream.reset();
    return what;
  }

  it('is taken by who asked for it', async () => {
    assert.equal(await answered(true), 'switched');
  });

  it('is no answer to anybody else', async () => {
    assert.match(await answered(false), /which nobody asked for/);
  });
});
