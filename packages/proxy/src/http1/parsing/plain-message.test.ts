import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { REQUEST, RESPONSE } from './llhttp.ts';
import type { MessageKind } from './llhttp.ts';
import { MessageReader } from '../message-reader.ts';
import { plainMessage } from './plain-message.ts';

const NEXT = 'GET /next HTTP/1.1\r\nHost: x\r\n\r\n';
const REQUESTS: readonly string[] = [
  'GET /a/b?c=d HTTP/1.1\r\nHost: orders\r\nAccept: */*\r\n\r\n',
  'POST /a HTTP/1.1\r\nhost: orders\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nabcde',
  'GET http://Orders.default:80/a?b HTTP/1.1\r\nHost: orders\r\nProxy-Connection: Keep-Alive\r\n\r\n',
  `DELETE /%20 HTTP/1.1\r\nx-a:b\r\n\r\n${NEXT}`,
];
const ANSWERS: readonly string[] = [
  'HTTP/1.1 200 OK\r\nServer: a\r\nContent-Length: 3\r\nConnection: Keep-Alive\r\n\r\nabc',
  'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n',
];
const LINES: readonly string[] = [
  'Content-Length: 3',
  'Content-Length: 003',
  'Content-Length: 3 ',
  'Content-Length: 1234567890123456789012',
  'Content-Length: +3',
  'Content-Length:',
  'Transfer-Encoding: chunked',
  'Connection: close',
  'Connection: keep-alive, x',
  'Connection: keep-aliv',
  'Connection: upgrade',
  'Upgrade: websocket',
  'Proxy-Connection: close',
  'Proxy-Connection: keep-alive',
  'Expect: 100-continue',
  'A: b',
  'A : b',
  'A:  b',
  'A: b\tc',
  'A:\tb',
  'A: b ',
  'A: \u00e9',
  ' folded',
  '\tfolded',
  ': b',
  'A',
  'A: b\nC: d',
  'A: b\rC: d',
];

/** All that a reader says of the first message, and what it leaves. `split`: its first byte comes alone, which llhttp reads. */
function said(text: string, kind: MessageKind, split: boolean): readonly unknown[] {
  const reader = new MessageReader(kind);
  const sent = Buffer.from(text, 'latin1');
  if (split) reader.read(sent.subarray(0, 1));
  const state = reader.read(split ? sent.subarray(1) : sent);
  const { head, body, trailers, rest, shouldKeepAlive, isUpgrade, isLast } = reader;
  reader.free();
  if (state === 'malformed' || state === 'too-large') return [state];
  const line = head && [head.method, head.url, head.status, head.reasonPhrase, head.httpVersion, head.rawHeaders];
  const bytes = [Buffer.concat(body).toString('latin1'), rest.toString('latin1')];
  return [state, line, trailers, ...bytes, shouldKeepAlive, isUpgrade, isLast];
}

/** Returns whether it was read without llhttp. */
function agree(text: string, kind: MessageKind): boolean {
  const isPlain = plainMessage.read(kind, Buffer.from(text, 'latin1'));
  if (isPlain) assert.deepEqual(said(text, kind, false), said(text, kind, true), JSON.stringify(text));
  return isPlain;
}

describe('messages of the plainest form', () => {
  for (const [kind, texts] of [[REQUEST, REQUESTS] as const, [RESPONSE, ANSWERS] as const])
    for (const text of texts) {
      const name = JSON.stringify(text.slice(0, 20));
      it(`${name} is read as llhttp reads it, with any byte changed, put in or left out`, () => {
        assert.equal(agree(text, kind), true);
        let plain = 0;
        for (let at = 0; at <= text.length; at += 1) {
          const [before, after] = [text.slice(0, at), text.slice(at + 1)];
          agree(before + after, kind);
          for (let code = 0; code < 256; code += 1) {
            const byte = String.fromCharCode(code);
            if (agree(before + byte + after, kind)) plain += 1;
            agree(before + byte + text.slice(at), kind);
          }
        }
        assert.notEqual(plain, 0);
      });
    }

  it('and so is any mixture of header lines', () => {
    const mixture = fc.array(fc.constantFrom(...LINES), { maxLength: 5 });
    const body = fc.constantFrom('', 'ab', 'abc', `abc${NEXT}`, '3\r\nabc\r\n0\r\n\r\n');
    const first = fc.constantFrom(
      'GET / HTTP/1.1',
      'POST /? HTTP/1.1',
      'PUT /a HTTP/1.0',
      'OPTIONS * HTTP/1.1',
      'GET http://a/ HTTP/1.1',
      'GET http://a HTTP/1.1',
      'GET http:///a HTTP/1.1',
      'GET http://a:/ HTTP/1.1',
      'GET http://a:1 HTTP/1.1',
      'GET http://b@a/ HTTP/1.1',
      'GET http://[::1]/ HTTP/1.1',
      'GET https://a/ HTTP/1.1',
      'CONNECT a:1 HTTP/1.1',
    );
    const status = fc.constantFrom(
      'HTTP/1.1 200 OK',
      'HTTP/1.1 200 ',
      'HTTP/1.1 204 None',
      'HTTP/1.1 304 Same',
      'HTTP/1.1 100 Go',
      'HTTP/1.0 200 OK',
    );
    const text = (line: string, lines: readonly string[], rest: string): string =>
      `${[line, ...lines].join('\r\n')}\r\n\r\n${rest}`;
    fc.assert(
      fc.property(first, mixture, body, (line, lines, rest) => void agree(text(line, lines, rest), REQUEST)),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(status, mixture, body, (line, lines, rest) => void agree(text(line, lines, rest), RESPONSE)),
      { numRuns: 2000 },
    );
  });

  it('what has not come whole, or is longer than usual, is for llhttp to read', () => {
    const [text = ''] = REQUESTS;
    for (let length = 0; length < text.length; length += 1)
      assert.equal(plainMessage.read(REQUEST, Buffer.from(text.slice(0, length))), false);
    const long = `GET / HTTP/1.1\r\nA: ${'x'.repeat(10_000)}\r\n\r\n`;
    assert.equal(plainMessage.read(REQUEST, Buffer.from(long)), false);
    assert.equal(plainMessage.read(REQUEST, Buffer.from(`GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(100)}\r\n`)), false);
  });

  it('messages of both kinds follow one another', () => {
    const reader = new MessageReader(REQUEST);
    const odd = 'GET /odd HTTP/1.1\r\nA:\r\n\r\n';
    let rest: Buffer = Buffer.from(`${NEXT}${odd}${NEXT}${odd}${odd}${NEXT}`);
    const urls: (string | undefined)[] = [];
    while (rest.length > 0) {
      assert.equal(reader.read(rest), 'complete');
      urls.push(reader.head?.url);
      ({ rest } = reader);
      reader.next();
    }
    assert.deepEqual(urls, ['/next', '/odd', '/next', '/odd', '/odd', '/next']);
  });
});
