import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { REQUEST, RESPONSE } from './parsing/llhttp.ts';
import type { MessageKind } from './parsing/llhttp.ts';
import { MessageReader } from './message-reader.ts';

/** What a reader makes of a text, whole or byte by byte, out of memory that changes behind each read. */
function readAll(
  text: string,
  kind: MessageKind,
  step: number,
): { reader: MessageReader; state: string; body: string } {
  const reader = new MessageReader(kind);
  const bytes = Buffer.from(text, 'latin1');
  const lent = Buffer.alloc(Math.min(step, bytes.length));
  const pieces: Buffer[] = [];
  let state = 'more';
  for (let from = 0; from < bytes.length && state === 'more'; from += step) {
    const length = bytes.copy(lent, 0, from, Math.min(bytes.length, from + step));
    state = reader.read(lent.subarray(0, length), true);
    pieces.push(...reader.body);
    lent.fill('!');
  }
  return { reader, state, body: Buffer.concat(pieces).toString('latin1') };
}

const WHOLE = Number.POSITIVE_INFINITY;

describe('messages of HTTP/1.1', () => {
  const requests: readonly (readonly [rule: string, text: string, expected: readonly unknown[]])[] = [
    [
      'a request without a body',
      'GET /a?b HTTP/1.1\r\nHost: x\r\nA: b \r\n\r\n',
      ['GET', '/a?b', '1.1', ['Host', 'x', 'A', 'b'], ''],
    ],
    ['line ends ahead of a request', '\r\nGET / HTTP/1.1\r\n\r\n', ['GET', '/', '1.1', [], '']],
    [
      'a body by its length',
      'PUT /a HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc',
      ['PUT', '/a', '1.1', ['content-length', '3'], 'abc'],
    ],
    [
      'a body in chunks',
      'POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n',
      ['POST', '/', '1.1', ['transfer-encoding', 'chunked'], 'abcde'],
    ],
    ['an empty value', 'GET / HTTP/1.0\r\nA:\r\n\r\n', ['GET', '/', '1.0', ['A', ''], '']],
  ];
  for (const [rule, text, expected] of requests) {
    for (const step of [WHOLE, 7, 1]) {
      it(`${rule}, ${step === WHOLE ? 'whole' : `${step} bytes at a time`}`, () => {
        const { reader, state, body } = readAll(text, REQUEST, step);
        assert.equal(state, 'complete', reader.problem);
        const { method, url, httpVersion, rawHeaders } = reader.head ?? {};
        assert.deepEqual([method, url, httpVersion, rawHeaders, body], expected);
        reader.next();
        assert.deepEqual(reader.body, [], 'what is idle keeps no memory');
      });
    }
  }

  const refused: readonly (readonly [rule: string, text: string])[] = [
    ['bare line feeds', 'GET / HTTP/1.1\nHost: a\n\n'],
    ['obsolete folding', 'GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n'],
    ['two lengths', 'POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['length and chunks', 'POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['chunks and length', 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n'],
    ['chunks that are not last', 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n'],
    ['an unknown coding', 'POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n'],
    ['chunks twice', 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['a bare carriage return', 'GET / HTTP/1.1\r\nA: b\rc\r\n\r\n'],
    ['NUL', 'GET / HTTP/1.1\r\nA: b\0c\r\n\r\n'],
    ['a space before the colon', 'GET / HTTP/1.1\r\nA : b\r\n\r\n'],
    ['HTTP/2', 'GET / HTTP/2.0\r\n\r\n'],
    ['HTTP/0.9', 'GET / HTTP/0.9\r\n\r\n'],
    ['a chunk whose line ends with a line feed', 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x\nabc\r\n'],
    [
      'a chunk of hexadecimal length with a prefix',
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n',
    ],
    ['a length with a sign', 'POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\na'],
    ['a list of lengths', 'POST / HTTP/1.1\r\nContent-Length: 1,1\r\n\r\na'],
    ['control characters in the target', 'GET /\u0001 HTTP/1.1\r\n\r\n'],
    ['a method that does not exist', 'FOO / HTTP/1.1\r\n\r\n'],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ];
  for (const [rule, text] of refused) {
    for (const step of [WHOLE, 1]) {
      it(`refused: ${rule}${step === 1 ? ', byte by byte' : ''}`, () => {
        const { reader, state } = readAll(text, REQUEST, step);
        assert.equal(state, 'malformed');
        assert.notEqual(reader.problem, '');
      });
    }
  }

  it('headers beyond the limit are too large, in one name or in many', () => {
    assert.equal(readAll(`GET / HTTP/1.1\r\nA: ${'x'.repeat(70_000)}`, REQUEST, 1000).state, 'too-large');
    assert.equal(readAll(`GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(300)}`, REQUEST, WHOLE).state, 'too-large');
    assert.equal(
      readAll(`POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\nA: ${'x'.repeat(70_000)}`, REQUEST, 1000)
        .state,
      'too-large',
    );
  });

  it('what comes behind a message waits for the next one', () => {
    const reader = new MessageReader(REQUEST);
    assert.equal(reader.read(Buffer.from('GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n')), 'complete');
    const { rest } = reader;
    reader.next();
    assert.equal(reader.read(rest), 'complete');
    assert.equal(reader.head?.url, '/2');
  });

  it('a request that asks for another protocol and does not get it is followed by others', () => {
    const reader = new MessageReader(REQUEST);
    reader.read(Buffer.from('GET /1 HTTP/1.1\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n'));
    assert.equal(reader.isUpgrade, true);
    reader.next();
    assert.equal(reader.read(Buffer.from('GET /2 HTTP/1.1\r\n\r\n')), 'complete');
  });

  it('an answer without a length lasts until the connection ends', () => {
    const { reader, state, body } = readAll('HTTP/1.1 200 Fine\r\nA: b\r\n\r\nabc', RESPONSE, WHOLE);
    assert.deepEqual([state, body, reader.head?.reasonPhrase, reader.shouldKeepAlive], ['more', 'abc', 'Fine', false]);
    assert.equal(reader.finish(), 'complete');
  });

  it('an answer that is cut off is none', () => {
    const { reader } = readAll('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc', RESPONSE, WHOLE);
    assert.equal(reader.finish(), 'malformed');
  });

  it('an answer to HEAD has no body, whatever it says', () => {
    const reader = new MessageReader(RESPONSE);
    reader.expects = 'no-body';
    assert.equal(reader.read(Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n')), 'complete');
  });
});
