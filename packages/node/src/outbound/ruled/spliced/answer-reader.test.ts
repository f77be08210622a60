import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { AnswerReader } from './answer-reader.ts';
import type { ReadingState } from './answer-reader.ts';
import { KnownHead } from './known-head.ts';

interface Heard {
  readonly status: number | undefined;
  readonly body: string;
  readonly isWhole: boolean;
  readonly state: ReadingState;
}

/** Reads until it is over; bytes come in these parts. */
function hear(parts: readonly string[], method = 'GET', known = new KnownHead()): Heard {
  let body = '';
  let isWhole = false;
  const reader = new AnswerReader(
    method,
    {
      head: (_, part, whole) => {
        body += part.toString('latin1');
        isWhole = whole;
      },
      body: (part, whole) => {
        body += part.toString('latin1');
        isWhole = whole;
      },
    },
    known,
  );
  let state: ReadingState = 'reading';
  for (const part of parts) {
    if (state === 'reading') state = reader.take(Buffer.from(part, 'latin1'));
    else if (state === 'whole') state = 'beyond';
  }
  return { status: reader.head?.status, body, isWhole, state };
}

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKS = '5;a="b"\r\nhello\r\nA\r\n0123456789\r\n0\r\nx-sum: 1\r\n\r\n';

describe('answers as instances write them', () => {
  const read: readonly (readonly [what: string, text: string, body: string, state: ReadingState, method?: string])[] = [
    ['a length', `${OK}Content-Length: 5\r\n\r\nhello`, 'hello', 'whole'],
    ['no body', 'HTTP/1.1 204 No Content\r\n\r\n', '', 'whole'],
    ['no body to HEAD', `${OK}content-length: 5\r\n\r\n`, '', 'whole', 'HEAD'],
    ['chunks', `${OK}transfer-encoding: chunked\r\n\r\n${CHUNKS}`, CHUNKS, 'whole'],
    ['until it is closed', `${OK}connection: close\r\n\r\nhello`, 'hello', 'reading'],
    ['hints before', `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${OK}content-length: 1\r\n\r\na`, 'a', 'whole'],
    ['more than belongs to it', `${OK}content-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n`, 'ok', 'beyond'],
  ];
  for (const [what, text, body, state, method = 'GET'] of read) {
    it(`is read to its end: ${what}; wherever it is cut`, () => {
      fc.assert(
        fc.property(fc.array(fc.nat(text.length - 1), { maxLength: 6 }), (cuts) => {
          const at = [0, ...cuts.toSorted((a, b) => a - b), text.length];
          const parts = at.slice(1).map((end, index) => text.slice(at[index], end));
          const heard = hear(
            parts.filter((part) => part !== ''),
            method,
          );
          assert.deepEqual([heard.body, heard.state, heard.isWhole], [body, state, state !== 'reading']);
        }),
      );
    });
  }

  it('is read behind others on its connection as it is read by itself', () => {
    const head = fc.constantFrom(
      `${OK}content-length: 2\r\n\r\n`,
      `${OK}content-length: 2\r\nx-a: 1\r\n\r\n`,
      `${OK}transfer-encoding: chunked\r\n\r\n`,
      'HTTP/1.1 204 No\r\n\r\n',
      `HTTP/1.1 103 Early Hints\r\n\r\n${OK}content-length: 2\r\n\r\n`,
    );
    const answer = fc.tuple(
      fc.constantFrom('GET', 'HEAD'),
      fc.tuple(head, fc.constantFrom('', 'ab', '2\r\nab\r\n0\r\n\r\n')).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 8 }), (answers) => {
        const known = new KnownHead();
        for (const [method, text] of answers) assert.deepEqual(hear([text], method, known), hear([text], method));
      }),
      { numRuns: 1000 },
    );
  });

  const unreadable: readonly (readonly [what: string, text: string])[] = [
    ['two lengths', `${OK}content-length: 1\r\ncontent-length: 2\r\n\r\nab`],
    ['a length and chunks', `${OK}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['another coding', `${OK}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ['a length that is none', `${OK}content-length: +5\r\n\r\nhello`],
    ['a folded line', `${OK}x-a: 1\r\n content-length: 5\r\n\r\nhello`],
    ['a bare line feed', `${OK}x-a: 1\ncontent-length: 5\r\n\r\nhello`],
    ['a space before the colon', `${OK}content-length : 5\r\n\r\nhello`],
    ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: a\r\n\r\n'],
    ['no HTTP', 'SSH-2.0-OpenSSH_9.6\r\n\r\n'],
    ['a chunk without a size', `${OK}transfer-encoding: chunked\r\n\r\n\r\nhello`],
    ['a chunk that is longer than it says', `${OK}transfer-encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n`],
    ['a chunk whose size ends in a line feed', `${OK}transfer-encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n`],
  ];
  for (const [what, text] of unreadable) {
    it(`is refused in any doubt: ${what}`, () => {
      assert.equal(hear([text]).state, 'unreadable');
    });
  }
});
