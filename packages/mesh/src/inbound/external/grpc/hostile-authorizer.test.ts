import assert from 'node:assert/strict';
import type { OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import http2 from 'node:http2';
import { after, describe, it } from 'node:test';

import { providerAt, startAsking } from '../testing/ask.ts';
import { RawHttp2Server } from '../testing/http2-server.ts';
import { RawServer } from '../testing/raw-server.ts';
import { frameMessage } from './grpc-message.ts';

const GRPC = { ':status': 200, 'content-type': 'application/grpc' };
const SUCCESS = { 'grpc-status': '0' };
/** A CheckResponse that allows: nothing in it says no. */
const ALLOWED = frameMessage(new Uint8Array());

function answer(stream: ServerHttp2Stream, body: Uint8Array, trailers: OutgoingHttpHeaders | undefined): void {
  stream.respond(GRPC, { waitForTrailers: trailers !== undefined });
  if (trailers !== undefined) stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end(body);
}

function compressed(): Buffer {
  const message = Buffer.from(ALLOWED);
  message[0] = 1;
  return message;
}

const broken: readonly {
  readonly what: string;
  readonly speak: (stream: ServerHttp2Stream) => void;
  readonly reason: RegExp;
  /** Of those that say nothing; the others have all the time they need on a busy machine. */
  readonly timeoutMs?: number;
}[] = [
  {
    what: 'says in trailers only that it cannot',
    speak: (stream) =>
      stream.respond({ ...GRPC, 'grpc-status': '14', 'grpc-message': 'try%20later' }, { endStream: true }),
    reason: /gRPC status UNAVAILABLE: try later/,
  },
  {
    what: 'says in trailers only that it denies',
    speak: (stream) => stream.respond({ ...GRPC, 'grpc-status': '7' }, { endStream: true }),
    reason: /gRPC status PERMISSION_DENIED/,
  },
  {
    what: 'has nothing to say, with success, in trailers only',
    speak: (stream) => stream.respond({ ...GRPC, ...SUCCESS }, { endStream: true }),
    reason: /no message/,
  },
  {
    what: 'fails after its message',
    speak: (stream) => answer(stream, ALLOWED, { 'grpc-status': '13', 'grpc-message': '%E0%A4%A' }),
    reason: /gRPC status INTERNAL: %E0%A4%A/,
  },
  {
    what: 'never says how it ended',
    speak: (stream) => answer(stream, ALLOWED, undefined),
    reason: /without a gRPC status/,
  },
  {
    what: 'answers with bytes that are no message',
    speak: (stream) => answer(stream, frameMessage(Buffer.from('ffffffffff', 'hex')), SUCCESS),
    reason: /no CheckResponse/,
  },
  {
    what: 'answers with a message cut short',
    speak: (stream) => answer(stream, frameMessage(Buffer.from('0a05', 'hex')), SUCCESS),
    reason: /no CheckResponse/,
  },
  { what: 'sends half a frame', speak: (stream) => answer(stream, Buffer.from([0, 0]), SUCCESS), reason: /no message/ },
  {
    what: 'lies about the length of its message',
    speak: (stream) => answer(stream, Buffer.from([0, 0, 0, 0, 9, 8]), SUCCESS),
    reason: /says 9 bytes and has 1/,
  },
  {
    what: 'sends two messages',
    speak: (stream) => answer(stream, Buffer.concat([ALLOWED, ALLOWED]), SUCCESS),
    reason: /says 0 bytes and has 5/,
  },
  { what: 'compresses', speak: (stream) => answer(stream, compressed(), SUCCESS), reason: /compressed/ },
  {
    what: 'sends a message larger than anybody wants',
    speak: (stream) => answer(stream, frameMessage(new Uint8Array(4 * 1024 * 1024)), SUCCESS),
    reason: /larger than 1048576 bytes/,
  },
  {
    what: 'sends headers larger than anybody wants',
    speak: (stream) => {
      const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`x-${n}`, 'a'.repeat(1000)]));
      stream.respond({ ...GRPC, ...many, ...SUCCESS }, { endStream: true });
    },
    reason: /could not be asked/,
  },
  {
    what: 'is a web server',
    speak: (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'text/html' });
      stream.end('<h1>It works!</h1>');
    },
    reason: /answered text\/html, not gRPC/,
  },
  {
    what: 'is a proxy that reaches nobody',
    speak: (stream) => stream.respond({ ':status': 503 }, { endStream: true }),
    reason: /answered HTTP 503/,
  },
  {
    what: 'resets the stream at once',
    speak: (stream) => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR),
    reason: /NGHTTP2_INTERNAL_ERROR/,
  },
  {
    what: 'refuses every stream',
    speak: (stream) => stream.close(http2.constants.NGHTTP2_REFUSED_STREAM),
    reason: /REFUSED/,
  },
  {
    what: 'cancels the stream',
    speak: (stream) => stream.close(http2.constants.NGHTTP2_CANCEL),
    reason: /HTTP\/2 code 8/,
  },
  {
    what: 'resets the stream within its answer',
    speak: (stream) => {
      stream.respond(GRPC);
      stream.write(ALLOWED);
      setTimeout(() => stream.close(http2.constants.NGHTTP2_CANCEL), 20);
    },
    reason: /could not be asked/,
  },
  {
    what: 'drops the connection within its answer',
    speak: (stream) => {
      stream.respond(GRPC);
      stream.write(ALLOWED);
      setTimeout(() => stream.session?.socket.destroy(), 20);
    },
    reason: /could not be asked/,
  },
  { what: 'says goodbye and nothing else', speak: (stream) => stream.session?.destroy(), reason: /could not be asked/ },
  {
    what: 'sends its headers and then nothing',
    speak: (stream) => stream.respond(GRPC),
    reason: /no answer within 300 ms/,
    timeoutMs: 300,
  },
];

describe('a gRPC server that', () => {
  const asking = startAsking();
  after(() => asking.authorizer.close());

  for (const { what, speak, reason, timeoutMs = 20_000 } of broken) {
    it(`${what} has not allowed anything`, async (test) => {
      const server = await RawHttp2Server.start(speak);
      test.after(() => server.stop());
      const provider = providerAt(server.port, { transport: 'grpc', timeoutMs });
      for (let turn = 0; turn < 2; turn += 1) {
        const answer = await asking.ask(provider);
        assert.equal(answer.kind, 'failed');
        assert.match(answer.verdict.reason, reason);
      }
    });
  }

  for (const { what, speak } of [
    { what: 'speaks HTTP/1.1', speak: 'HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n' },
    { what: 'speaks neither', speak: 'SSH-2.0-OpenSSH_9.6\r\n' },
  ]) {
    it(`${what} has not allowed anything`, async (test) => {
      const server = await RawServer.start((socket) => socket.end(speak));
      test.after(() => server.stop());
      const answer = await asking.ask(providerAt(server.port, { transport: 'grpc', timeoutMs: 20_000 }));
      assert.equal(answer.kind, 'failed');
    });
  }

  it('never says a word is given up, and the next check has a connection of its own', async (test) => {
    const server = await RawServer.start(() => {});
    test.after(() => server.stop());
    const provider = providerAt(server.port, { transport: 'grpc', timeoutMs: 100 });
    for (let turn = 1; turn <= 2; turn += 1) {
      const answer = await asking.ask(provider);
      assert.ok(answer.kind === 'failed');
      assert.match(answer.verdict.reason, /no answer within 100 ms/);
      assert.equal(server.connections, turn);
    }
  });

  it('is on its way out is asked again on a new connection', async (test) => {
    let answers = 0;
    const server = await RawHttp2Server.start((stream) => {
      answers += 1;
      if (answers === 2) stream.session?.destroy();
      else answer(stream, ALLOWED, SUCCESS);
    });
    test.after(() => server.stop());
    const provider = providerAt(server.port, { transport: 'grpc' });
    for (let turn = 0; turn < 3; turn += 1) assert.equal((await asking.ask(provider)).kind, 'allowed');
    assert.equal(server.sessions, 2);
  });

  it('asks as gRPC asks', async (test) => {
    const server = await RawHttp2Server.start((stream) => answer(stream, ALLOWED, SUCCESS));
    test.after(() => server.stop());
    const provider = providerAt(server.port, {
      transport: 'grpc',
      service: 'ext/ext-authz.ext.svc',
      timeoutMs: 600_000,
    });
    assert.equal((await asking.ask(provider)).kind, 'allowed');
    assert.deepEqual(Object.fromEntries(Object.entries(server.heads[0] ?? {})), {
      ':method': 'POST',
      ':scheme': 'http',
      ':path': '/envoy.service.auth.v3.Authorization/Check',
      ':authority': 'ext-authz.ext.svc',
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-timeout': '600000m',
      'user-agent': 'rampart',
    });
    const [body] = server.bodies;
    assert.equal(body?.[0], 0);
    assert.equal(body?.readUInt32BE(1), (body?.length ?? 0) - 5);
  });
});
