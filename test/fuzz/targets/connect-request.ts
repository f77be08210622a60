import assert from 'node:assert/strict';
import { isIP } from 'node:net';

import { parseProxyRequest } from '@rampart/proxy';

import type { FuzzTarget } from '../engine/target.ts';
import { readAtEveryLength } from './opening.ts';

/** The head of a CONNECT request: it is that, another method, or refused, however it is cut into pieces. */
export const connectRequest: FuzzTarget = {
  name: 'connect-request',
  form: 'bytes',
  seeds: [
    'CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\nrest',
    'CONNECT [2001:db8::1]:443 HTTP/1.0\r\n\r\n',
    'GET http://orders-api/ HTTP/1.1\r\n\r\n',
    'CONNECT a.b:1 HTTP/1.1\r\nContent-Length: 1\r\n\r\n',
  ],
  words: [
    '\r\n',
    '\r\n\r\n',
    '\n',
    '\r',
    '\u0000',
    ' ',
    ':',
    '[',
    ']',
    'HTTP/1.1',
    'CONNECT ',
    'Transfer-Encoding: chunked',
    '65536',
    '0',
  ],
  run: (input) => {
    const parsed = readAtEveryLength(input.subarray(0, 400), (bytes) =>
      bytes.length === 0 ? { kind: 'more' } : parseProxyRequest(bytes),
    );
    if (parsed.kind !== 'done') return parsed.kind === 'bad' ? parsed.reason : parsed.kind;
    if (parsed.value.kind === 'http') {
      assert.equal(parsed.length, 0, 'bytes were taken of what is for others');
      return 'http';
    }
    const head = Buffer.from(input).toString('latin1', 0, parsed.length);
    assert.ok(head.endsWith('\r\n\r\n') && head.indexOf('\r\n\r\n') === head.length - 4);
    assert.doesNotMatch(head.replaceAll('\r\n', ''), /[\r\n\0]/, 'a line that ends elsewhere for others');
    const { host, port } = parsed.value.destination;
    assert.match(host, /^[\w.:-]+$/);
    assert.ok(port >= 1 && port <= 65_535);
    return `connect v${isIP(host)}`;
  },
};
