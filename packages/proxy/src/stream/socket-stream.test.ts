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

  async function pair(lends = false): Promise<{ near: SocketStream; far: Socket }> {
    const place = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
    const accepted = once(server, 'connection');
    const near = lends ? SocketStream.lending(place) : new SocketStream(net.connect({ ...place, allowHalfOpen: true }));
    const [far] = (await accepted) as [Socket];
    return { near, far };
  }

  for (const lends of [false, true])
    it(`${lends ? 'that lends ' : ''}brings bytes, then the end, then the close without an error`, () =>
      wholeWay(lends));

  async function wholeWay(lends: boolean): Promise<void> {
    const { near, far } = await pair(lends);
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
  }

  it('lends to receivers that copy what they keep, and gives copies to others', async () => {
    const { near, far } = await pair(true);
    const quiet = { end: () => undefined, drain: () => undefined, close: () => undefined };
    const kept: Buffer[] = [];
    const last = new Promise<void>((resolve) => {
      near.receive({
        ...quiet,
        data: (chunk, isLent) => {
          assert.notEqual(isLent, true);
          kept.push(chunk);
          near.receive({
            ...quiet,
            takesLent: true,
            data: (next, isNextLent) => {
              assert.equal(isNextLent, true);
              kept.push(Buffer.from(next));
              resolve();
            },
          });
          far.write('second');
        },
      });
    });
    far.write('first');
    await last;
    assert.deepEqual(kept.map(String), ['first', 'second']);
    near.end();
    far.end();
  });

  it('that lends is held back by its receiver', async () => {
    const { near, far } = await pair(true);
    let heard = 0;
    const all = new Promise<void>((resolve) => {
      near.receive({
        data: ({ length }) => {
          heard += length;
          near.pause();
          setImmediate(() => near.resume());
        },
        end: resolve,
        drain: () => undefined,
        close: () => undefined,
      });
    });
    far.end(Buffer.alloc(1_000_000));
    await all;
    assert.equal(heard, 1_000_000);
    near.end();
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
