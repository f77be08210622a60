import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { after, before, describe, it } from 'node:test';

import { SocketStream } from '../stream/socket-stream.ts';
import { ServerConnection } from './server-connection.ts';
import type { ReadingProblem } from './server-connection.ts';
import type { ServerExchange } from './server-exchange.ts';

type Arrived = Pick<ServerExchange, 'head' | 'isUpgrade'> | ReadingProblem;

describe('a request over HTTP/1.1, as it arrives', () => {
  let server: Server;
  let arrived: (what: Arrived) => void;
  before(async () => {
    server = createServer((socket) => {
      const handler = { request: arrived, unreadable: arrived, switched: () => undefined, closed: () => undefined };
      new ServerConnection({ stream: new SocketStream(socket), handler }).start();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => server.close());

  async function sent(text: string): Promise<Arrived> {
    const { promise, resolve } = Promise.withResolvers<Arrived>();
    arrived = resolve;
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write(text);
    const what = await promise;
    socket.destroy();
    return what;
  }

  const kept: readonly (readonly [rule: string, lines: readonly string[], left: readonly string[], added: string])[] = [
    ['keep-alive says nothing of others', ['Connection: keep-alive', 'X-User: a'], ['X-User', 'a'], 'x-user'],
    ['what Connection names is gone', ['Connection: X-User, close', 'X-User: a', 'A: b'], ['A', 'b'], 'x-user'],
    ['in several of it, too', ['Connection: close', 'connection: x-user', 'X-User: a', 'A: b'], ['A', 'b'], 'x-user'],
    [
      'not what identities rest on',
      ['Connection: authorization', 'Authorization: a'],
      ['Authorization', 'a'],
      'x-user',
    ],
    ['not that there is a body', ['Connection: transfer-encoding', 'Transfer-Encoding: chunked'], [], 'x-user'],
  ];
  for (const [rule, lines, left, added] of kept) {
    it(`${rule}, and what is added under such a name goes on`, async () => {
      const what = await sent(`POST / HTTP/1.1\r\nHost: a\r\n${lines.join('\r\n')}\r\n\r\n`);
      assert.ok('head' in what);
      const { head } = what;
      assert.equal(
        head.has('transfer-encoding'),
        lines.some((line) => line.startsWith('Transfer')),
      );
      const passed = head.rawHeaders.filter(
        (_, index) => !/^(?:host|connection|transfer-encoding)$/i.test(head.rawHeaders[index - (index % 2)] ?? ''),
      );
      assert.deepEqual(passed, left);
      head.replace(added, 'mesh');
      assert.match(head.lines({ framing: 'none', isLast: false, isUpgrade: false }), /x-user: mesh\r\n/);
    });
  }

  it('changes its protocol whatever else Connection names', async () => {
    const what = await sent(
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, X-User\r\nUpgrade: websocket\r\nX-User: a\r\n\r\n',
    );
    assert.ok('head' in what);
    assert.equal(what.isUpgrade, true);
    assert.deepEqual([what.head.text('connection'), what.head.text('x-user')], ['Upgrade', undefined]);
  });

  for (const [rule, line] of [
    ['of a known length', 'Content-Length: 1'],
    ['of chunks', 'Transfer-Encoding: chunked'],
  ] as const) {
    it(`stays with HTTP where it has content ${rule}, which is to be judged`, async () => {
      const what = await sent(`POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: b\r\n${line}\r\n\r\n`);
      assert.ok('head' in what);
      assert.equal(what.isUpgrade, false);
      assert.doesNotMatch(what.head.lines({ framing: 'none', isLast: false, isUpgrade: false }), /upgrade/i);
    });
  }

  const refused: readonly (readonly [rule: string, head: string])[] = [
    ['a coding that would be lost', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked'],
    ['a coding that is none', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:'],
    ['chunks in HTTP/1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked'],
    ['no Host', 'GET / HTTP/1.1\r\nA: b'],
    ['two of them', 'GET / HTTP/1.1\r\nHost: a\r\nhost: a'],
    ['another protocol', 'OPTIONS / RTSP/1.0\r\nHost: a\r\nA: HTTP/1.1'],
  ];
  for (const [rule, head] of refused) {
    it(`is refused: ${rule}`, async () => {
      const what = await sent(`${head}\r\n\r\n`);
      assert.ok('kind' in what);
      assert.deepEqual([what.kind, what.status], ['malformed', 400]);
    });
  }
});
