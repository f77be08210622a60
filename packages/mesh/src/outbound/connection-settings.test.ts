import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import { connect } from 'node:tls';

import { FakeClock } from '@rampart/testkit/fake-clock';

import { holdTo } from './connection-settings.ts';

it('a connection that takes longer than a rule says is given up', async () => {
  const silent = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const clock = new FakeClock(0);
  const socket = connect({ host: '127.0.0.1', port: (silent.address() as AddressInfo).port });
  holdTo({ connectTimeoutMs: 250 }, socket, { clock, where: '127.0.0.1:1' });
  const failed = once(socket, 'error');
  await clock.advance(249);
  assert.equal(socket.destroyed, false);
  await clock.advance(1);
  const [error] = (await failed) as [Error];
  assert.match(error.message, /127\.0\.0\.1:1 did not answer within 250 ms/);
  silent.close();
});
