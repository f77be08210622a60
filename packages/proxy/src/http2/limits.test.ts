import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';

import { until } from '@rampart/testkit';
import fc from 'fast-check';

import { SocketStream } from '../stream/socket-stream.ts';
import { clock } from '../testing/real-clock.ts';
import { startServer } from '../testing/servers.ts';
import type { TestServer } from '../testing/servers.ts';
import { HTTP2_LIMITS } from './limits.ts';
import type { Http2Exchange } from './server-exchange.ts';
import { Http2ServerSessions } from './server-sessions.ts';
import type { Http2Problem } from './server-session.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const [DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING] = [0, 1, 2, 3, 4, 6];
const [GOAWAY, WINDOW_UPDATE, CONTINUATION] = [7, 8, 9];
const [END_STREAM, END_HEADERS] = [1, 4];
/** GET / of "x" over http, in HPACK (RFC 7541): indexed fields, and a literal authority. */
const GET = Buffer.from([0x82, 0x84, 0x86, 0x41, 0x01, 0x78]);
const POST = Buffer.from([0x83, 0x84, 0x86, 0x41, 0x01, 0x78]);

interface Frame {
  readonly type: number;
  readonly flags?: number;
  readonly stream?: number;
  readonly payload?: Buffer;
}

/** RFC 9113 §4.1. */
function frame({ type, flags = 0, stream = 0, payload = Buffer.alloc(0) }: Frame): Buffer {
  const bytes = Buffer.alloc(9 + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  payload.copy(bytes, 9);
  return bytes;
}

describe('what a caller over HTTP/2 may not do', () => {
  const patience = { look: 30_000, audit: 30, pong: 15_000, body: 300_000, stall: 300_000 };
  const sessions = new Http2ServerSessions({ clock, patience });
  const problems: Http2Problem[] = [];
  const requests: Http2Exchange[] = [];
  let server: TestServer;

  before(async () => {
    server = await startServer((socket) => {
      sessions.serve(
        { stream: new SocketStream(socket) },
        {
          request: (exchange) => {
            requests.push(exchange);
          },
          unreadable: (problem) => {
            problems.push(problem);
          },
        },
      );
    });
  });
  beforeEach(() => {
    problems.length = 0;
    requests.length = 0;
  });
  // What is noticed of a connection late is no finding of the next test.
  afterEach(() => until('nothing to be left', () => sessions.size === 0));
  after(() => {
    sessions.close();
    server.close();
  });

  /** A caller that has said hello, and reads whatever comes. */
  function caller(): Socket {
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined).resume();
    socket.write(Buffer.concat([PREFACE, frame({ type: SETTINGS })]));
    return socket;
  }

  const headers = (stream: number, payload: Buffer, flags = END_HEADERS): Buffer =>
    frame({ type: HEADERS, flags, stream, payload });
  const many = (count: number, make: (index: number) => Buffer): Buffer =>
    Buffer.concat(Array.from({ length: count }, (_, index) => make(index)));

  /** Codes of the GOAWAY frames among these. */
  function goodbyes(bytes: Buffer): number[] {
    const codes: number[] = [];
    for (let at = 0; at + 17 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3))
      if (bytes[at + 3] === GOAWAY) codes.push(bytes.readUInt32BE(at + 13));
    return codes;
  }

  const floods: readonly (readonly [name: string, bytes: () => Buffer, reason: RegExp])[] = [
    [
      'requests that are taken back at once (CVE-2023-44487)',
      () =>
        many(2_000, (index) => {
          const stream = 2 * index + 1;
          const reset = frame({ type: RST_STREAM, stream, payload: Buffer.from([0, 0, 0, 8]) });
          return Buffer.concat([headers(stream, GET, END_HEADERS + END_STREAM), reset]);
        }),
      /most requests were taken back/,
    ],
    ['PING', () => many(20_000, () => frame({ type: PING, payload: Buffer.alloc(8) })), /PING frames|Flooding/],
    ['SETTINGS', () => many(20_000, () => frame({ type: SETTINGS })), /SETTINGS frames|Flooding/],
    [
      'WINDOW_UPDATE',
      () =>
        Buffer.concat([
          headers(1, POST),
          many(50_000, (index) =>
            frame({ type: WINDOW_UPDATE, stream: index % 2, payload: Buffer.from([0, 0, 0, 1]) }),
          ),
        ]),
      /WINDOW_UPDATE/,
    ],
    [
      'PRIORITY',
      () => many(20_000, () => frame({ type: PRIORITY, stream: 3, payload: Buffer.from([0, 0, 0, 0, 5]) })),
      /PRIORITY/,
    ],
    [
      'DATA without data',
      () => Buffer.concat([headers(1, POST), many(5_000, () => frame({ type: DATA, stream: 1 }))]),
      /invalid HTTP\/2 frames/,
    ],
    [
      'CONTINUATION without end',
      () =>
        Buffer.concat([
          headers(1, GET, 0),
          many(5_000, () => frame({ type: CONTINUATION, stream: 1, payload: Buffer.from([0x40, 1, 0x61, 1, 0x62]) })),
        ]),
      /CONTINUATION|ontinuation/,
    ],
  ];
  for (const [name, bytes, reason] of floods) {
    it(`a flood of ${name} ends the connection, on record`, async () => {
      const socket = caller();
      let said = Buffer.alloc(0);
      socket.on('data', (chunk: Buffer) => (said = Buffer.concat([said, chunk])));
      const closed = once(socket, 'close');
      socket.write(bytes());
      await closed;
      await until('it to be noticed', () => problems.length > 0);
      assert.match(problems.map((problem) => problem.reason).join(), reason);
      assert.ok(goodbyes(said).every((code) => code !== http2.constants.NGHTTP2_NO_ERROR));
      await until('nothing to be left', () => sessions.size === 0);
      assert.ok(requests.every((request) => request.isOver));
    });
  }

  it('whatever frames come, every connection ends, and every request on it', async () => {
    const frames = fc.array(
      fc.record({
        type: fc.integer({ min: 0, max: 10 }),
        flags: fc.integer({ min: 0, max: 63 }),
        stream: fc.integer({ min: 0, max: 7 }),
        payload: fc.oneof(
          fc.constant(GET),
          fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
        ),
      }),
      { maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(frames, async (each) => {
        const socket = caller();
        socket.write(Buffer.concat([headers(1, POST), ...each.map((one) => frame(one))]));
        socket.end();
        await once(socket, 'close');
        await until('nothing to be left', () => sessions.size === 0);
        assert.ok(requests.every((request) => request.isOver));
      }),
      { numRuns: 50 },
    );
  });

  it('what is no HTTP/2 ends the connection, on record', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined).resume();
    socket.write('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n');
    await once(socket, 'close');
    assert.match(problems[0]?.reason ?? '', /magic/);
  });

  async function answerTo(fields: http2.OutgoingHttpHeaders): Promise<number | string> {
    const session = http2.connect(`http://127.0.0.1:${server.port}`, { maxSendHeaderBlockLength: 1_000_000 });
    session.on('error', () => undefined);
    const answered = once(session.request({ ':path': '/', ...fields }), 'response') as Promise<
      [http2.IncomingHttpHeaders]
    >;
    const status = await answered.then(
      ([answer]) => Number(answer[':status']),
      (error: Error) => error.message,
    );
    session.destroy();
    return status;
  }

  it('bodies in small pieces, taken late or not at all, are no flood', async () => {
    const session = http2.connect(`http://127.0.0.1:${server.port}`);
    const stream = session.request({ ':path': '/', ':method': 'POST', ':authority': 'x' });
    for (let index = 0; index < 40_000; index += 1) stream.write('x');
    const pings = Promise.withResolvers<undefined>();
    session.ping(() => pings.resolve(undefined));
    await pings.promise;
    await new Promise((resolve) => clock.after(100, () => resolve(undefined)));
    assert.equal(session.destroyed, false);
    assert.deepEqual(problems, []);
    session.destroy();
  });

  it('headers beyond the limit are refused with 431, on record', async () => {
    assert.equal(await answerTo({ a: 'x'.repeat(HTTP2_LIMITS.headBytes) }), 431);
    assert.equal(
      await answerTo(Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`a${index}`, 'x']))),
      431,
    );
    assert.equal(await answerTo(Object.fromEntries(['a', 'b', 'c'].map((name) => [name, '0'.repeat(50_000)]))), 431);
    assert.deepEqual(
      problems.map(({ status }) => status),
      [431, 431, 431],
    );
    assert.equal(requests.length, 0);
  });

  it('two names for one host are no request', async () => {
    assert.equal(await answerTo({ ':authority': 'one', host: 'other' }), 400);
  });

  it('no more requests are taken at a time than were announced', async () => {
    const session = http2.connect(`http://127.0.0.1:${server.port}`);
    await once(session, 'remoteSettings');
    assert.equal(session.remoteSettings.maxConcurrentStreams, HTTP2_LIMITS.streams);
    session.destroy();
  });

  it('a request that is taken back is told to whoever has it', async () => {
    const session = http2.connect(`http://127.0.0.1:${server.port}`);
    const stream = session.request({ ':path': '/', ':method': 'POST' });
    await until('the request', () => requests.length === 1);
    const gone = Promise.withResolvers<undefined>();
    requests[0]?.onGone(() => gone.resolve(undefined));
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await gone.promise;
    session.destroy();
  });
});
