import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { providerAt, startAsking } from '../testing/ask.ts';
import { RawServer } from '../testing/raw-server.ts';

type Speak = (socket: Socket, received: string) => void;

const head = (line: string, ...headers: string[]): string => `HTTP/1.1 ${line}\r\n${headers.join('\r\n')}\r\n\r\n`;
const OK = head('200 OK', 'content-length: 0');

/** What no server should answer. Each must be a failure, soon, and never an approval. */
const broken: readonly { readonly what: string; readonly speak: Speak; readonly reason: RegExp }[] = [
  { what: 'closes without a word', speak: (socket) => socket.end(), reason: /hang up|closed/ },
  { what: 'resets the connection', speak: (socket) => socket.resetAndDestroy(), reason: /ECONNRESET|hang up/ },
  { what: 'is no HTTP server', speak: (socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'), reason: /Parse Error/ },
  {
    what: 'promises a longer body than it sends',
    speak: (socket) => socket.end(`${head('200 OK', 'content-length: 10')}abc`),
    reason: /aborted|before it was complete/,
  },
  {
    what: 'resets within its answer',
    speak: (socket) => {
      socket.write(`${head('200 OK', 'content-length: 10')}abc`);
      setTimeout(() => socket.resetAndDestroy(), 20);
    },
    reason: /aborted|ECONNRESET/,
  },
  {
    what: 'ends within a chunk',
    speak: (socket) => socket.end(`${head('200 OK', 'transfer-encoding: chunked')}a\r\nabc`),
    reason: /aborted/,
  },
  {
    what: 'sends two lengths that differ',
    speak: (socket) => socket.end(`${head('200 OK', 'content-length: 0', 'content-length: 5')}hello`),
    reason: /Parse Error/,
  },
  {
    what: 'sends a length and chunks',
    speak: (socket) => socket.end(`${head('200 OK', 'content-length: 0', 'transfer-encoding: chunked')}0\r\n\r\n`),
    reason: /Parse Error/,
  },
  {
    what: 'sends a body larger than anybody wants',
    speak: (socket) => {
      socket.write(head('200 OK', `content-length: ${64 * 1024 * 1024}`));
      const more = (): void => {
        if (socket.destroyed) return;
        if (socket.write(Buffer.alloc(64 * 1024))) setImmediate(more);
        else socket.once('drain', more);
      };
      more();
    },
    reason: /larger than 1048576 bytes/,
  },
  {
    what: 'sends headers larger than anybody wants',
    speak: (socket) =>
      socket.end(head('200 OK', ...Array.from({ length: 1000 }, (_, n) => `x-${n}: ${'a'.repeat(100)}`))),
    reason: /Parse Error/,
  },
  {
    what: 'switches protocols',
    speak: (socket) => socket.write(head('101 Switching Protocols', 'connection: upgrade', 'upgrade: h2c')),
    reason: /without an answer|hang up/,
  },
  {
    what: 'goes on with interim answers',
    speak: (socket) => {
      const again = (): void => {
        if (!socket.destroyed && socket.write(head('103 Early Hints'))) setTimeout(again, 5);
      };
      again();
    },
    reason: /no answer within 300 ms/,
  },
  {
    what: 'drips its headers',
    speak: (socket) => {
      const again = (): void => {
        if (!socket.destroyed && socket.write('H')) setTimeout(again, 50);
      };
      socket.write('HTTP/1.1 200 OK\r\nx-slow: ');
      again();
    },
    reason: /no answer within 300 ms/,
  },
  { what: 'answers with a status that is none', speak: (socket) => socket.end(head('20x OK')), reason: /Parse Error/ },
];

describe('an HTTP server that', () => {
  const asking = startAsking();
  after(() => asking.authorizer.close());

  for (const { what, speak, reason } of broken) {
    it(`${what} has not allowed anything`, async () => {
      const server = await RawServer.start(speak);
      const answer = await asking.ask(providerAt(server.port, { timeoutMs: 300, headersToUpstreamOnAllow: ['x-*'] }));
      assert.equal(answer.kind, 'failed');
      assert.match(answer.verdict.reason, reason);
      await server.stop();
    });
  }

  it('sends more than its answer does not answer the next check with it', async () => {
    const allowed = head('200 OK', 'content-length: 0');
    const server = await RawServer.start((socket, received) => {
      socket.write(head('403 Forbidden', 'content-length: 0'));
      if (received.includes('x-first')) setTimeout(() => socket.write(allowed + allowed), 20);
    });
    const provider = providerAt(server.port, { includeRequestHeadersInCheck: ['x-first'] });
    const first = await asking.ask(provider, { rawHeaders: ['x-first', '1'] });
    assert.equal(first.kind, 'denied');
    await until('the connection to be dropped', () => server.sockets.length === 0);
    assert.equal((await asking.ask(provider)).kind, 'denied');
    await server.stop();
  });

  it('sends two answers at once answers one check', async () => {
    const server = await RawServer.start((socket) => socket.write(head('403 Forbidden', 'content-length: 0') + OK));
    const provider = providerAt(server.port);
    for (let turn = 0; turn < 5; turn += 1) assert.equal((await asking.ask(provider)).kind, 'denied');
    await server.stop();
  });

  it('answers HEAD with a body does not answer the next check with it', async () => {
    const server = await RawServer.start((socket, received) => {
      const body = received.startsWith('HEAD') ? OK : '';
      socket.write(head('403 Forbidden', `content-length: ${body.length}`) + body);
    });
    const provider = providerAt(server.port);
    for (const method of ['HEAD', 'GET', 'HEAD', 'HEAD', 'GET']) {
      const answer = await asking.ask(provider, { method });
      assert.notEqual(answer.kind, 'allowed');
    }
    await server.stop();
  });
});
