import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';

import { SocketStream } from './socket-stream.ts';

describe('a socket as a stream', () => {
  const server = net.createServer({ allowHalfOpen: true });
  before(() => once(server.listen(0, '127.0.0.1'), 'listening'));
  after(() => server.close());

  async function pair(): Promise<{ near: SocketStream; far: Socket }> {
    const { port } = server.address() as AddressInfo;
    const accepted = once(server, 'connection');
    const near = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    const [far] = (await accepted) as [Socket];
    return { near: new SocketStream(near), far };
  }

  it('brings bytes, then the end, then the close without an error', async () => {
    const { near, far } = await pair();
    const events: string[] = [];
    const closed = new Promise<void>((resolve) => {
      near.receive({
        data: (chunk) => events.push(chunk.toString()),
        end: () => {
          events.push('end');
          near.write(Buffer.from('still heard'));
          near.end();
        },
        drain: () => undefined,
        close: (error) => {
          events.push(`close ${error?.message ?? 'in order'}`);
          resolve();
        },
      });
    });
    let heard = '';
    far.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    far.end('hello');
    await Promise.all([closed, once(far, 'end')]);
    assert.deepEqual(events, ['hello', 'end', 'close in order']);
    assert.equal(heard, 'still heard');
  });

  it('a reset is told as the error of the close', async () => {
    const { near, far } = await pair();
    const closed = new Promise<Error | undefined>((resolve) => {
      near.receive({ data: () => undefined, end: () => undefined, drain: () => undefined, close: resolve });
    });
    far.resetAndDestroy();
    assert.equal((await closed)?.message.includes('ECONNRESET'), true);
  });

  it('another receiver takes over in the middle', async () => {
    const { near, far } = await pair();
    const rest = new Promise<string>((resolve) => {
      const quiet = { end: () => undefined, drain: () => undefined, close: () => undefined };
      near.receive({
        ...quiet,
        data: () => {
          near.receive({ ...quiet, data: (chunk) => resolve(chunk.toString()) });
          near.write(Buffer.from('now'));
        },
      });
    });
    far.once('data', () => far.end('second'));
    far.write('first');
    assert.equal(await rest, 'second');
    near.end();
  });
});
