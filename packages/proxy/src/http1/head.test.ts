import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { fields, responseText } from './head-text.ts';
import type { Framing, HeadText } from './head-text.ts';
import type { MessageHead } from './head.ts';
import { REQUEST, RESPONSE } from './parsing/llhttp.ts';
import { MessageReader } from './message-reader.ts';

function received(lines: readonly (readonly [name: string, value: string])[]): MessageHead {
  const reader = new MessageReader(REQUEST);
  const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  reader.read(Buffer.from(`GET /a HTTP/1.1\r\n${text}\r\n`, 'latin1'));
  const { head } = reader;
  assert.ok(head !== undefined, reader.problem);
  return head;
}

const NAMES = [
  'Host',
  'te',
  'TE',
  'Keep-Alive',
  'user-agent',
  'Upgrade',
  'traceparent',
  'Proxy-Connection',
  'x-request-id',
  'Tracestate',
  'A',
  'X-a',
] as const;
const line = fc.tuple(
  fc.oneof(fc.constantFrom(...NAMES), fc.stringMatching(/^[a-zA-Z][a-zA-Z-]{0,24}$/)).filter(isFree),
  fc.oneof(fc.constantFrom('', 'x', 'keep-alive'), fc.stringMatching(/^[\w,=/;]{0,40}$/)),
);
const connection = fc.tuple(
  fc.constantFrom('Connection', 'connection'),
  fc.constantFrom('close', 'keep-alive', 'Keep-Alive', 'x-a', 'close, X-A', 'host', 'upgrade'),
);
const lines = fc
  .tuple(fc.array(line, { maxLength: 12 }), fc.array(connection, { maxLength: 2 }))
  .map(([some, more]) => [...some, ...more]);

/** Headers that say how long the body is have rules of their own. */
function isFree(name: string): boolean {
  return !['content-length', 'transfer-encoding', 'connection'].includes(name.toLowerCase());
}

const how: fc.Arbitrary<HeadText> = fc.record({
  framing: fc.constantFrom<Framing>('none', 'length', 'chunked', 'close'),
  isLast: fc.boolean(),
  isUpgrade: fc.boolean(),
});

describe('the head of a message', () => {
  it('goes on in one piece as it does line by line', () => {
    fc.assert(
      fc.property(lines, how, (some, terms) => {
        const expected = fields([...received(some).rawHeaders], terms);
        assert.equal(received(some).lines(terms), expected);
      }),
    );
  });

  it('has each header with the text that Node joins its values to', () => {
    fc.assert(
      fc.property(lines, fc.constantFrom('host', 'te', 'user-agent', 'x-a', 'a'), (some, name) => {
        const value = received(some).headers[name];
        assert.equal(received(some).text(name), value);
        assert.equal(received(some).has(name), value !== undefined);
        assert.equal(received(some).hasSeveral(name), some.filter(([each]) => each.toLowerCase() === name).length > 1);
      }),
    );
  });

  it('is the same whether it was looked at before it was changed or not', () => {
    const looks: readonly ((head: MessageHead) => unknown)[] = [
      () => undefined,
      (head) => head.headers,
      (head) => head.headersDistinct,
      (head) => head.rawHeaders,
    ];
    fc.assert(
      fc.property(lines, fc.tuple(fc.constantFrom(...looks), fc.boolean()), how, (some, [look, isAdded], terms) => {
        const head = received(some);
        look(head);
        if (isAdded) head.add('traceparent', 'before');
        head.replace('traceparent', 't');
        head.add('x-new', 'n');
        const free = some.filter(([name]) => name.toLowerCase() !== 'traceparent');
        const expected = received([...free, ['traceparent', 't'], ['x-new', 'n']]);
        assert.equal(head.lines(terms), expected.lines(terms));
        assert.deepEqual([head.text('traceparent'), head.text('x-new')], ['t', 'n']);
        assert.deepEqual(head.rawHeaders, expected.rawHeaders);
        assert.deepEqual([head.headers['traceparent'], head.headersDistinct['x-new']], ['t', ['n']]);
      }),
    );
  });
});

describe('the head of an answer', () => {
  const how: HeadText = { framing: 'length', isLast: false, isUpgrade: false };
  const answers: readonly (readonly [what: string, head: string, isUnchanged: boolean])[] = [
    ['as this proxy writes it', 'HTTP/1.1 200 OK\r\nA:b\r\ncontent-length: 3\r\n\r\n', true],
    ['with another phrase', 'HTTP/1.1 404 Gone fishing\r\ncontent-length: 3\r\n\r\n', true],
    ['with an empty value', 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\nA:\r\n\r\n', true],
    [
      'with a header of the connection',
      'HTTP/1.1 200 OK\r\nconnection: keep-alive\r\ncontent-length: 3\r\n\r\n',
      false,
    ],
    ['that ends its connection', 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\nConnection: close\r\n\r\n', false],
    ['of HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\n', false],
    ['without a phrase', 'HTTP/1.1 200\r\ncontent-length: 3\r\n\r\n', false],
    ['behind an empty line', '\r\nHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n', false],
  ];
  for (const [what, text, isUnchanged] of answers)
    it(`${what} ${isUnchanged ? 'goes on as it came' : 'is written anew'}`, () => {
      const { head } = answer(text);
      const bytes = head.unchanged(how)?.toString('latin1');
      assert.equal(bytes, isUnchanged ? text : undefined);
      if (isUnchanged) assert.equal(responseText(head, how), text);
    });

  it('is written anew where something was added, taken out, or is to be said of the connection', () => {
    const text = 'HTTP/1.1 200 OK\r\nA: b\r\ncontent-length: 3\r\n\r\n';
    const changes: readonly ((head: MessageHead) => void)[] = [
      (head) => head.add('x', 'y'),
      (head) => head.replace('a', 'c'),
      (head) => head.remove('a'),
    ];
    for (const change of changes) {
      const { head } = answer(text);
      change(head);
      assert.equal(head.unchanged(how), undefined);
    }
    assert.equal(answer(text).head.unchanged({ ...how, isLast: true }), undefined);
    assert.equal(answer(text).head.unchanged({ ...how, framing: 'chunked' }), undefined);
  });

  it('lies in front of its body', () => {
    const { head, body } = answer('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n');
    const bytes = head.unchanged(how);
    assert.equal(bytes?.buffer, body[0]?.buffer);
    assert.equal((bytes?.byteOffset ?? 0) + (bytes?.length ?? 0), body[0]?.byteOffset);
  });

  function answer(text: string): { readonly head: MessageHead; readonly body: readonly Buffer[] } {
    const reader = new MessageReader(RESPONSE);
    reader.read(Buffer.from(`${text}abc`, 'latin1'));
    const { head, body } = reader;
    assert.ok(head !== undefined, reader.problem);
    return { head, body };
  }
});
