import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';

import type { ByteReceiver } from './byte-stream.ts';
import { SocketStream } from './socket-stream.ts';

const QUIET = { end: () => undefined, drain: () => undefined, close: () => undefined };

describe('a connection that was accepted, as a stream', () => {
  const server = net.createServer({ allowHalfOpen: true });
  const opened: Socket[] = [];
  before(() => once(server.listen(0, '127.0.0.1'), 'listening'));
  after(() => {
    for (const socket of opened) socket.destroy();
    server.close();
  });

  async function accept(): Promise<{ stream: SocketStream; socket: Socket; caller: Socket }> {
    const accepted = once(server, 'connection');
    const { port } = server.address() as AddressInfo;
    const caller = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const [socket] = (await accepted) as [Socket];
    opened.push(caller, socket);
    return { stream: SocketStream.accepted(socket), socket, caller };
  }

  function connections(): Promise<number> {
    return new Promise((resolve, reject) =>
      server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
    );
  }

  /** Reads the first chunk itself, as one who has to find out what is spoken, and gives the rest to a receiver that takes what is lent. */
  function sniff(stream: SocketStream, lent: (chunk: Buffer, isLent: boolean) => void): Promise<Buffer> {
    return new Promise((resolve) => {
      stream.receive({
        ...QUIET,
        data: (head) => {
          stream.receive({ ...QUIET, takesLent: true, data: (chunk, isLent = false) => lent(chunk, isLent) });
          resolve(head);
        },
      });
    });
  }

  it('lends from the second read on, once its receiver takes what is lent (Node has not changed what that needs)', async () => {
    const { stream, caller } = await accept();
    const second = new Promise<[string, boolean]>((resolve) => {
      void sniff(stream, (chunk, isLent) => resolve([chunk.toString(), isLent])).then((head) => {
        assert.equal(head.toString(), 'first');
        caller.write('second');
      });
    });
    caller.write('first');
    assert.deepEqual(await second, ['second', true]);
  });

  it('brings its end and its close, and its server counts it until then', async () => {
    const { stream, caller } = await accept();
    const before = await connections();
    const events: string[] = [];
    const closed = new Promise<void>((resolve) => {
      const receiver: ByteReceiver = {
        takesLent: true,
        data: (chunk) => events.push(chunk.toString()),
        end: () => {
          events.push('end');
          stream.write(Buffer.from('still '));
          stream.write(Buffer.from('heard'));
          stream.end();
        },
        drain: () => undefined,
        close: (error) => {
          events.push(`close ${error?.message ?? 'in order'}`);
          resolve();
        },
      };
      stream.receive(receiver);
    });
    assert.equal(await connections(), before);
    let heard = '';
    caller.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    caller.end('hello');
    await Promise.all([closed, once(caller, 'end')]);
    assert.deepEqual(events, ['hello', 'end', 'close in order']);
    assert.equal(heard, 'still heard');
    assert.deepEqual([stream.bytesRead, stream.bytesWritten], [5, 11]);
    while ((await connections()) !== before - 1) await new Promise(setImmediate);
  });

  it('knows what was read and written before it lent', async () => {
    const { stream, caller } = await accept();
    const lent = new Promise<void>((resolve) => {
      void sniff(stream, () => resolve()).then(() => caller.write('second'));
      stream.write(Buffer.from('hello'));
    });
    caller.write('first');
    await lent;
    stream.write(Buffer.from('again'));
    assert.deepEqual([stream.bytesRead, stream.bytesWritten], [11, 10]);
  });

  it('is held back by its receiver', async () => {
    const { stream, caller } = await accept();
    let heard = 0;
    const all = new Promise<void>((resolve) => {
      stream.receive({
        ...QUIET,
        takesLent: true,
        data: ({ length }) => {
          heard += length;
          stream.pause();
          setImmediate(() => stream.resume());
        },
        end: resolve,
      });
    });
    caller.end(Buffer.alloc(1_000_000));
    await all;
    assert.equal(heard, 1_000_000);
  });

  it('that was paused before it lent stays so', async () => {
    const { stream, caller } = await accept();
    const heard: string[] = [];
    const { promise: first, resolve } = Promise.withResolvers<string>();
    stream.receive({
      ...QUIET,
      takesLent: true,
      data: (chunk) => {
        heard.push(chunk.toString());
        resolve(chunk.toString());
      },
    });
    stream.pause();
    caller.write('early');
    await new Promise(setImmediate);
    const other = await accept();
    const answered = once(other.caller, 'data');
    other.stream.receive({ ...QUIET, data: () => other.stream.write(Buffer.from('pong')) });
    other.caller.write('ping');
    await answered;
    assert.deepEqual(heard, []);
    stream.resume();
    assert.equal(await first, 'early');
  });

  it('keeps what its answer waits in: it does not lend while bytes are on their way', async () => {
    const { stream, caller } = await accept();
    const bytes = 8_000_000;
    let isLending = false;
    stream.receive({ ...QUIET, takesLent: true, data: (_chunk, isLent) => (isLending = isLent === true) });
    stream.write(Buffer.alloc(bytes));
    caller.write('more');
    let heard = 0;
    for await (const chunk of caller) {
      heard += (chunk as Buffer).length;
      if (heard === bytes) break;
    }
    assert.equal(heard, bytes);
    assert.equal(isLending, false);
  });

  it('goes with the socket that it was accepted with, and that goes with it', async () => {
    const destroyed = await accept();
    const over = new Promise<void>((resolve) =>
      destroyed.stream.receive({ ...QUIET, takesLent: true, data: () => undefined, close: () => resolve() }),
    );
    await new Promise(setImmediate);
    assert.notEqual(destroyed.stream.socket, destroyed.socket);
    assert.equal(destroyed.socket.remoteAddress, '127.0.0.1');
    destroyed.socket.destroy();
    await over;
    const reset = await accept();
    reset.stream.receive({ ...QUIET, takesLent: true, data: () => undefined });
    await new Promise(setImmediate);
    const failed = once(reset.caller, 'error');
    const closed = once(reset.socket, 'close');
    reset.stream.reset();
    assert.equal(((await failed) as [NodeJS.ErrnoException])[0].code, 'ECONNRESET');
    await closed;
  });

  it('can be released before, and lends nothing then', async () => {
    const { stream, socket, caller } = await accept();
    const released = new Promise<Socket>((resolve) => {
      stream.receive({ ...QUIET, data: (head) => resolve(stream.release(head)) });
    });
    caller.write('preface');
    assert.equal(await released, socket);
    const [head] = (await once(socket.resume(), 'data')) as [Buffer];
    assert.equal(head.toString(), 'preface');
  });
});
