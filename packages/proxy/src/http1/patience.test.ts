import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { FakeClock } from '@rampart/testkit/fake-clock';

import type { ByteReceiver, ByteStream } from '../stream/byte-stream.ts';
import { GivenUpError } from '../http/given-up.ts';
import { MessageHead } from './head.ts';
import { Patience } from './patience.ts';
import { ServerConnection } from './server-connection.ts';
import type { ReadingProblem } from './server-connection.ts';
import type { ServerExchange } from './server-exchange.ts';

const OK = { method: '', url: '', status: 200, reasonPhrase: 'OK', httpVersion: '1.1' };
const END = { body: [], isLast: true, trailers: [] };

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
    const patience = new Patience(clock, {
      request: 60_000,
      head: 10_000,
      body: 30_000,
      answer: 90_000,
      goodbye: 5_000,
    });
    const connection = new ServerConnection({
      stream,
      handler: {
        request: (exchange) => exchanges.push(exchange),
        unreadable: (problem) => problems.push(problem),
        switched: () => patience.forget(connection),
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

  const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n';

  /** Takes all of a request's body; resolves with why it was given up. */
  function taken(exchange: ServerExchange | undefined, hasRoom = true): Promise<Error> {
    if (exchange === undefined) assert.fail('there is no request');
    return new Promise((resolve) => {
      exchange.takeBody({ requestBody: () => hasRoom, responseRoom: () => undefined, abandoned: resolve });
      if (!hasRoom) exchange.pause();
    });
  }

  it('a body is waited for while it comes, and answered with 408 when it does not', async () => {
    const { clock, stream, exchanges } = connected();
    stream.bring(`${POST}\r\n`);
    const late = taken(exchanges[0]);
    for (let round = 0; round < 10; round += 1) {
      await pass(clock, 20);
      stream.bring('x');
    }
    assert.equal(exchanges[0]?.isOver, false);
    await pass(clock, 40);
    assert.equal(exchanges[0].status, 408);
    const error = await late;
    assert.ok(error instanceof GivenUpError && error.status === 408);
    await pass(clock, 10);
    assert.equal(stream.isReset, true);
  });

  const CHUNKED = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n';
  const UNREADABLE: readonly (readonly [what: string, status: number, rest: string])[] = [
    ['a chunk without a size', 400, 'none\r\n'],
    ['trailers that are too large', 431, `0\r\n${'A: bcdef\r\n'.repeat(20_000)}\r\n`],
    ['chunks that are extensions above all', 413, `1;${'e'.repeat(20_000)}\r\nx\r\n`],
  ];
  for (const [what, status, rest] of UNREADABLE)
    it(`${what} in a body is answered with ${status}, and the connection ends`, async () => {
      const { stream, exchanges } = connected();
      stream.bring(CHUNKED);
      const late = taken(exchanges[0]);
      stream.bring(rest);
      const error = await late;
      assert.ok(error instanceof GivenUpError);
      assert.deepEqual(
        [exchanges[0]?.status, error.status, error.flag, stream.hasEnded],
        [status, status, 'DPE', true],
      );
    });

  it('chunks may have extensions as long as they have data', async () => {
    const { stream, exchanges } = connected();
    stream.bring(CHUNKED);
    const late = taken(exchanges[0]);
    for (let count = 0; count < 1_000; count += 1) stream.bring(`64;${'e'.repeat(100)}\r\n${'x'.repeat(100)}\r\n`);
    stream.bring('oops\r\n');
    const error = await late;
    assert.ok(error instanceof GivenUpError && error.status === 400);
    assert.equal(exchanges[0]?.bytesReceived, 100_001);
  });

  const NOT_THE_CALLERS_TURN: readonly (readonly [what: string, headers: string, go: (one: ServerExchange) => void])[] =
    [
      ['nobody takes more of it', '', (one) => void taken(one, false)],
      ['it was not asked for yet', 'Expect: 100-continue\r\n', (one) => void taken(one)],
      [
        'its answer has begun',
        '',
        (one) => {
          void taken(one);
          one.respond(new MessageHead(OK, []), { ...END, isLast: false });
        },
      ],
    ];
  for (const [what, headers, go] of NOT_THE_CALLERS_TURN)
    it(`a body is not missed while ${what}`, async () => {
      const { clock, stream, exchanges } = connected();
      stream.bring(`${POST}${headers}\r\n`);
      const [one] = exchanges;
      if (one === undefined) assert.fail('there is no request');
      go(one);
      const status = one.status;
      await pass(clock, 80);
      assert.deepEqual([one.isOver, one.status], [false, status]);
      await pass(clock, 20);
      assert.deepEqual([one.isOver, one.status], [true, status === 0 ? 504 : status]);
    });

  it('a connection of another protocol is nobody to be patient with', async () => {
    const { clock, stream, exchanges } = connected();
    stream.bring('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    exchanges[0]?.switchTo(new MessageHead({ ...OK, status: 101 }, []));
    await pass(clock, 200);
    assert.equal(stream.isReset, false);
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
