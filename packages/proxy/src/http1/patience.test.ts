import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { FakeClock } from '@rampart/testkit/fake-clock';

import type { ByteReceiver, ByteStream } from '../stream/byte-stream.ts';
import { Patience } from './patience.ts';
import { ServerConnection } from './server-connection.ts';
import type { ReadingProblem } from './server-connection.ts';
import type { ServerExchange } from './server-exchange.ts';

/** A stream that keeps what is written, and brings what a test says. */
class Memory implements ByteStream {
  bytesRead = 0;
  bytesWritten = 0;
  readonly isOfProxy = false;
  hasEnded = false;
  isReset = false;
  receiver: ByteReceiver | undefined;
  receive(receiver: ByteReceiver): void {
    this.receiver = receiver;
  }
  bring(text: string): void {
    this.bytesRead += text.length;
    this.receiver?.data(Buffer.from(text));
  }
  write(chunk: Uint8Array): boolean {
    this.bytesWritten += chunk.length;
    return true;
  }
  end(): void {
    this.hasEnded = true;
  }
  pause(): void {}
  resume(): void {}
  reset(): void {
    this.isReset = true;
  }
}

describe('patience with callers', () => {
  function connected(): {
    clock: FakeClock;
    stream: Memory;
    problems: ReadingProblem[];
    exchanges: ServerExchange[];
  } {
    const clock = new FakeClock();
    const stream = new Memory();
    const problems: ReadingProblem[] = [];
    const exchanges: ServerExchange[] = [];
    const patience = new Patience(clock, { request: 60_000, head: 10_000, answer: 30_000, goodbye: 5_000 });
    const connection = new ServerConnection({
      stream,
      handler: {
        request: (exchange) => exchanges.push(exchange),
        unreadable: (problem) => problems.push(problem),
        closed: () => patience.forget(connection),
      },
    });
    patience.watch(connection);
    connection.start();
    return { clock, stream, problems, exchanges };
  }

  async function pass(clock: FakeClock, seconds: number): Promise<void> {
    await clock.advance(seconds * 1_000);
  }

  it('a head that trickles in is given up, however many bytes come', async () => {
    const { clock, stream, problems } = connected();
    stream.bring('GET / HTTP/1.1\r\n');
    for (let second = 0; second < 9; second += 1) {
      stream.bring('a');
      await clock.advance(1_000);
    }
    assert.equal(problems.length, 0);
    await pass(clock, 3);
    assert.deepEqual(
      problems.map(({ status }) => status),
      [408],
    );
  });

  it('a request under way is waited for while bytes come or go', async () => {
    const { clock, stream, problems } = connected();
    stream.bring('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n');
    for (let round = 0; round < 10; round += 1) {
      await pass(clock, 20);
      stream.bring('x');
    }
    assert.equal(stream.isReset, false);
    await pass(clock, 40);
    assert.equal(stream.isReset, true);
    assert.deepEqual(problems, []);
  });

  it('a connection on which nothing is asked is ended, and closed where its caller does not', async () => {
    const { clock, stream } = connected();
    await pass(clock, 55);
    assert.deepEqual([stream.hasEnded, stream.isReset], [false, false]);
    await pass(clock, 8);
    assert.deepEqual([stream.hasEnded, stream.isReset], [true, false]);
    await pass(clock, 10);
    assert.equal(stream.isReset, true);
  });
});
