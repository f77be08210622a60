import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';

import { abortConnection } from './abort-connection.ts';

const MORE_THAN_FITS = 32 * 1024 * 1024;

describe('a connection that is aborted', () => {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  before(() => once(server.listen(0, '127.0.0.1'), 'listening'));
  after(() => server.close());

  async function pair(): Promise<{ near: Socket; far: Socket }> {
    const accepted = once(server, 'connection');
    const near = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, allowHalfOpen: true });
    near.on('error', () => undefined);
    const [[far]] = (await Promise.all([accepted, once(near, 'connect')])) as [[Socket], unknown];
    return { near, far };
  }

  it('in the middle of what it had to say is seen to have been, also after its end was asked for', async () => {
    const { near, far } = await pair();
    near.end(Buffer.alloc(MORE_THAN_FITS));
    const failed = once(far, 'error') as Promise<[NodeJS.ErrnoException]>;
    abortConnection(near);
    far.resume();
    assert.equal((await failed)[0].code, 'ECONNRESET');
  });

  it('while its end is on its way is closed, where Node would lose it', async () => {
    const { near, far } = await pair();
    near.write(Buffer.alloc(MORE_THAN_FITS));
    // As TLS does it: the end is given to the system while bytes wait there, and nothing waits in the stream.
    const ending = { writableEnded: true, writableFinished: false, writableLength: 0 };
    for (const [name, value] of Object.entries(ending)) Object.defineProperty(near, name, { value });
    near._final(() => undefined);
    const closed = once(near, 'close');
    abortConnection(near);
    await closed;
    far.destroy();
  });
});
