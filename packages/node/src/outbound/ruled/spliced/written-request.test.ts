import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { editOf } from './header-edit.ts';
import { RequestReader } from './written-request.ts';
import type { WrittenRequest } from './written-request.ts';

const readWritten = (text: string): WrittenRequest | undefined => new RequestReader().read(text);

/** All that is known of a request. */
const told = (read: WrittenRequest | undefined): unknown =>
  read && [
    read.method,
    read.url,
    read.call,
    read.bodyAt,
    read.fields.bodyBytes,
    read.fields.headers,
    read.fields.edited(editOf([])),
  ];

const GET = 'GET /items?q=1 HTTP/1.1\r\nHost: orders\r\n';

describe('requests as their clients write them', () => {
  it('is sent on without what is about the connection, or for this process alone', () => {
    const text = `${GET}Connection: keep-alive\r\nX-Rampart-Call: 7\r\nAccept: a, b \r\n\r\n`;
    const read = readWritten(text);
    const headers = { host: 'orders', connection: 'keep-alive', accept: 'a, b' };
    assert.deepEqual(told(read), [
      'GET',
      '/items?q=1',
      '7',
      text.length,
      0,
      headers,
      'Host: orders\r\nAccept: a, b \r\n',
    ]);
  });

  it('says how much of a body follows', () => {
    const text = `${GET}content-length: 5\r\n\r\nhello`;
    const read = readWritten(text);
    assert.deepEqual([text.slice(read?.bodyAt), read?.fields.bodyBytes], ['hello', 5]);
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

  it('is read by what the one before said as it is read by itself', () => {
    const line = fc.constantFrom(
      'x-rampart-call: 7777\r\n',
      'x-rampart-call: 8888\r\n',
      'x-rampart-call: 88888\r\n',
      'x-rampart-call: \r\n',
      'x-rampart-call: \r\nb:\r\n',
      'x-rampart-call: 8\r\nb:1\r\n',
      'X-Rampart-Call:  77 \r\n',
      'accept: a\r\n',
      'accept: b\r\n',
      'b:\r\n',
      'content-length: 4\r\n',
      'x: \n\r\n',
    );
    const lines = fc.array(line, { maxLength: 3 }).map((each) => each.join(''));
    const request = fc
      .tuple(
        fc.constantFrom(GET, 'POST / HTTP/1.1\r\nHost: orders\r\n'),
        lines,
        fc.constantFrom('\r\n', '\r\nbody', ''),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.array(request, { maxLength: 4 }), (requests) => {
        const reader = new RequestReader();
        for (const text of requests) assert.deepEqual(told(reader.read(text)), told(readWritten(text)));
      }),
      { numRuns: 2000 },
    );
  });
});
