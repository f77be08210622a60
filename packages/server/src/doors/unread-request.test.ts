import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, it } from 'node:test';
import { until } from '@rampart/testkit';
import { ManualClock } from '../testing/manual-clock.ts';
import { cutUnread, cutWhenLate } from './unread-request.ts';

describe('a request that is answered before it was whole', () => {
  for (const [rule, body, isCut] of [
    ['is cut, when more of it may come without end', '', true],
    ['leaves the connection be, when the rest comes soon', 'abcd', false],
  ] as const) {
    it(rule, async () => {
      const server = createServer((request, response) => {
        cutUnread(request, response, body === '' ? 20 : 5000);
        response.end('no');
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
      const head = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n';
      socket.write(head);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      assert.match(answer.toString(), /^HTTP\/1\.1 200/);
      if (isCut) {
        await once(socket, 'close');
      } else {
        socket.write(body + head + body);
        const [next] = (await once(socket, 'data')) as [Buffer];
        assert.match(next.toString(), /^HTTP\/1\.1 200/);
        socket.destroy();
      }
      server.close();
      server.closeAllConnections();
    });
  }
});

describe('a call of somebody who proved nothing', () => {
  for (const [rule, isAnswered] of [
    ['is cut when it takes too long', false],
    ['is forgotten once it is answered, while its connection lives', true],
  ] as const) {
    it(rule, async () => {
      const clock = new ManualClock();
      const server = createServer((_, response) => {
        cutWhenLate(response, clock);
        if (isAnswered) response.end('here');
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').resume();
      socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
      if (isAnswered) {
        await once(socket, 'data');
        await until('nothing waits for it', () => clock.pending === 0);
        socket.destroy();
      } else {
        await until('the call is there', () => clock.pending === 1);
        clock.advance(15_000);
        await once(socket, 'close');
      }
      server.close();
    });
  }
});
