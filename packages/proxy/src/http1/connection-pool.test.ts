import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { ByteReceiver, ByteStream } from '../stream/byte-stream.ts';
import type { ResponseSink } from './client-connection.ts';
import { ConnectionPool } from './connection-pool.ts';
import { MessageHead } from './head.ts';

/** A server that answers each request at once with these headers. */
class Answering implements ByteStream {
  readonly bytesRead = 0;
  readonly bytesWritten = 0;
  readonly isOfProxy = false;
  isReset = false;
  readonly #answer: string;
  #receiver: ByteReceiver | undefined;

  constructor(headers: string) {
    this.#answer = `HTTP/1.1 200 OK\r\ncontent-length: 0\r\n${headers}\r\n`;
  }

  receive(receiver: ByteReceiver): void {
    this.#receiver = receiver;
  }
  write(): boolean {
    queueMicrotask(() => this.#receiver?.data(Buffer.from(this.#answer)));
    return true;
  }
  reset(): void {
    this.isReset = true;
  }
  end(): void {
    return undefined;
  }
  pause(): void {
    return undefined;
  }
  resume(): void {
    return undefined;
  }
}

const START = { method: 'POST', url: '/', status: 0, reasonPhrase: '', httpVersion: '1.1' };
const WHOLE = { body: [], isLast: true, trailers: [] };

function sinkFor(answered: () => void): ResponseSink {
  const unexpected = (): never => assert.fail('nothing of the kind was sent');
  return {
    response: () => {
      answered();
      return true;
    },
    responseBody: unexpected,
    inform: unexpected,
    switched: unexpected,
    requestRoom: () => undefined,
    failed: assert.ifError,
  };
}

describe('a connection that is idle', () => {
  const cases: readonly (readonly [rule: string, headers: string, idleMs: number, isUsedAgain: boolean])[] = [
    ['is used again soon where nothing is said of its end', '', 3_999, true],
    ['is not used again later where nothing is said of its end', '', 4_000, false],
    ['is used again well before its end', 'keep-alive: timeout=5\r\n', 3_999, true],
    ['is not used again shortly before its end', 'keep-alive: timeout=5\r\n', 4_000, false],
    ['is not used again where its peer hardly keeps it', 'Keep-Alive: max=10, timeout=1\r\n', 0, false],
    ['is used again soon where what is said is no time', 'keep-alive: timeout=soon\r\n', 3_999, true],
  ];
  for (const [rule, headers, idleMs, isUsedAgain] of cases) {
    it(rule, async () => {
      let now = 1_000_000;
      const opened: Answering[] = [];
      const open = (): ByteStream => {
        const stream = new Answering(headers);
        opened.push(stream);
        return stream;
      };
      const pool = new ConnectionPool(open, 4, () => now);
      for (const wait of [idleMs, 0]) {
        await new Promise<void>((resolve) => {
          pool.take().send({ head: new MessageHead(START, ['host', 'a']), isUpgrade: false }, WHOLE, sinkFor(resolve));
        });
        now += wait;
      }
      assert.equal(opened.length, isUsedAgain ? 1 : 2);
      assert.equal(opened[0]?.isReset, !isUsedAgain);
    });
  }
});
