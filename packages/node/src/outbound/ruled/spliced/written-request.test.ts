import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { readWritten } from './written-request.ts';

const GET = 'GET /items?q=1 HTTP/1.1\r\nHost: orders\r\n';

describe('requests as their clients write them', () => {
  it('is sent on without what is about the connection, or for this process alone', () => {
    const text = `${GET}Connection: keep-alive\r\nX-Rampart-Call: 7\r\nAccept: a, b \r\n\r\n`;
    const read = readWritten(text);
    assert.deepEqual(
      [read?.method, read?.url, read?.list, read?.bodyAt, read?.bodyBytes],
      ['GET', '/items?q=1', ['Host', 'orders', 'Accept', 'a, b'], text.length, 0],
    );
    assert.deepEqual([read?.call, read?.headers], ['7', { host: 'orders', connection: 'keep-alive', accept: 'a, b' }]);
  });

  it('says how much of a body follows', () => {
    const text = `${GET}content-length: 5\r\n\r\nhello`;
    const read = readWritten(text);
    assert.deepEqual([text.slice(read?.bodyAt), read?.bodyBytes], ['hello', 5]);
  });

  const others: readonly (readonly [what: string, text: string])[] = [
    ['a head that is not complete', GET],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['HTTP/1.0', 'GET / HTTP/1.0\r\nhost: a\r\n\r\n'],
    ['no host', 'GET / HTTP/1.1\r\naccept: a\r\n\r\n'],
    ['two hosts', `${GET}host: other\r\n\r\n`],
    ['absolute form', 'GET http://a/ HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['CONNECT', 'CONNECT a:80 HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['a header said twice', `${GET}x-a: 1\r\nX-A: 2\r\n\r\n`],
    ['chunks', `${GET}transfer-encoding: chunked\r\n\r\n`],
    ['a length that is none', `${GET}content-length: 0x5\r\n\r\n`],
    ['two lengths', `${GET}content-length: 5, 5\r\n\r\n`],
    ['a long body', `${GET}content-length: 65537\r\n\r\n`],
    ['another protocol', `${GET}connection: upgrade\r\nupgrade: websocket\r\n\r\n`],
    ['headers for one hop', `${GET}connection: x-a\r\nx-a: 1\r\n\r\n`],
    ['a question first', `${GET}expect: 100-continue\r\n\r\n`],
    ['a folded line', `${GET}x-a: 1\r\n 2\r\n\r\n`],
    ['a bare line feed', `${GET}x-a: 1\nx-b: 2\r\n\r\n`],
    ['a space before the colon', `${GET}content-length : 5\r\n\r\nhello`],
  ];
  for (const [what, text] of others) {
    it(`is left to those who read everything: ${what}`, () => {
      assert.equal(readWritten(text), undefined);
    });
  }
});
