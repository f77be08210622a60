import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { it } from 'node:test';

import type { Timer } from '@rampart/core';
import { FakeClock } from '@rampart/testkit/fake-clock';

import { peekFirstByte } from './first-byte.ts';

const SECOND_MS = 1000;

it('a client that has not got round to its first byte keeps its connection as long as one that is slow with its headers', async () => {
  const clock = new FakeClock();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [socket] = (await once(server, 'connection')) as [Socket];
  const reasons: string[] = [];
  peekFirstByte(socket, clock, {
    decide: () => assert.fail('nothing was said'),
    silent: (reason) => void reasons.push(reason),
  });
  await clock.advance(59 * SECOND_MS);
  assert.equal(socket.destroyed, false);
  await clock.advance(SECOND_MS);
  assert.deepEqual([socket.destroyed, reasons], [true, ['nothing came for 60 s']]);
  await once(client, 'close');
  server.close();
});

it('who has spoken in time is not taken for silent because this process had no time to listen', async (test) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  test.after(() => {
    client.destroy();
    server.close();
  });
  const [[socket]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [[Socket], unknown];
  const due: (() => void)[] = [];
  const after = (_: number, callback: () => void): Timer => {
    due.push(callback);
    return { cancel: () => undefined };
  };
  const kind = new Promise<string>((resolve) => {
    peekFirstByte(socket, { now: () => 0, after }, { decide: resolve, silenceMs: 250 });
  });
  // Where timers fire: Node has not looked at its sockets since the bytes were sent.
  setTimeout(() => {
    client.write(Buffer.from([22, 3, 1]));
    for (const fire of due) fire();
  });
  assert.equal(await kind, 'tls');
});
