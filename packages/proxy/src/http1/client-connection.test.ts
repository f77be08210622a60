import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { connectTcp } from '../tcp/connect-tcp.ts';
import { startServer } from '../testing/servers.ts';
import type { TestServer } from '../testing/servers.ts';
import type { ByteReceiver, ByteStream } from '../stream/byte-stream.ts';
import { ClientConnection, UnseenError } from './client-connection.ts';
import { UNHEARD } from '../outbound/ruled/ruled-try.ts';
import { MessageHead } from './head.ts';
import type { Portion } from './message-reader.ts';

const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n';

describe('an answer', () => {
  let server: TestServer;
  let answer = SWITCHING;
  before(async () => {
    server = await startServer((socket) => socket.once('data', () => socket.write(answer)));
  });
  after(() => server.close());

  /** What becomes of a request that asks for another protocol, or does not. */
  async function answered(isUpgrade: boolean): Promise<string> {
    const stream = await connectTcp({ host: '127.0.0.1', port: server.port }, new AbortController().signal);
    const connection = new ClientConnection({ stream, idle: () => undefined, gone: () => undefined });
    const { promise, resolve } = Promise.withResolvers<string>();
    const start = { method: 'GET', url: '/', status: 0, reasonPhrase: '', httpVersion: '1.1' };
    const fields = isUpgrade ? ['Host', 'a', 'Connection', 'upgrade', 'Upgrade', 'echo'] : ['Host', 'a'];
    connection.send(
      { head: new MessageHead(start, fields), isUpgrade },
      { body: [], isLast: true, trailers: [] },
      {
        response: () => {
          resolve('answered');
          return true;
        },
        responseBody: () => true,
        inform: () => resolve('informed'),
        switched: () => resolve('switched'),
        requestRoom: () => undefined,
        failed: (error) => resolve(error.message),
      },
    );
    const what = await promise;
    stream.reset();
    return what;
  }

  it('that changes to another protocol is taken by who asked for that', async () => {
    assert.equal(await answered(true), 'switched');
  });

  it('that changes to another protocol is none to anybody else', async () => {
    assert.match(await answered(false), /which nobody asked for/);
  });

  const codings = [['gzip', 'chunked'].join(', '), 'gzip', 'chunked, chunked', ''];
  for (const coding of codings) {
    it(`whose body is coded as "${coding}" would lose that on its way, and is none`, async () => {
      answer = `HTTP/1.1 200 OK\r\nTransfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n`;
      assert.match(await answered(false), /Transfer-Encoding|parser|Encoding/i);
    });
  }
});

describe('a request whose connection ends before its answer', () => {
  /** A stream whose other side says and does what a test wants. */
  class Scripted implements ByteStream {
    readonly bytesRead = 0;
    readonly bytesWritten = 0;
    readonly isOfProxy: boolean;
    receiver: ByteReceiver | undefined;

    constructor(isOfProxy: boolean) {
      this.isOfProxy = isOfProxy;
    }

    receive(receiver: ByteReceiver): void {
      this.receiver = receiver;
    }
    write(): boolean {
      return true;
    }
    end(): void {}
    pause(): void {}
    resume(): void {}
    reset(): void {}
  }

  const ends: readonly (readonly [
    rule: string,
    isOfProxy: boolean,
    end: (receiver: ByteReceiver) => void,
    isUnseen: boolean,
  ])[] = [
    ['was seen by nobody where a proxy ended it in order', true, (receiver) => receiver.end(), true],
    ['may have been seen where the link was lost', true, (receiver) => receiver.close(new Error('lost')), false],
    ['may have been seen by a server', false, (receiver) => receiver.end(), false],
    [
      'was seen where its answer had begun',
      true,
      (receiver) => {
        receiver.data(Buffer.from('HTTP/1.1 2'));
        receiver.end();
      },
      false,
    ],
  ];
  it('is answered where the answer lasts until then (RFC 9112 §6.3)', () => {
    const stream = new Scripted(false);
    const connection = new ClientConnection({ stream, idle: () => undefined, gone: () => undefined });
    const start = { method: 'GET', url: '/', status: 0, reasonPhrase: '', httpVersion: '1.1' };
    const heard: string[] = [];
    const note = ({ body, isLast }: Portion): boolean => heard.push(`${Buffer.concat(body).toString()} ${isLast}`) > 0;
    connection.send(
      { head: new MessageHead(start, ['Host', 'a']), isUpgrade: false },
      { body: [], isLast: true, trailers: [] },
      {
        ...UNHEARD,
        response: (_head, portion) => note(portion),
        responseBody: note,
        failed: ({ message }) => heard.push(message),
      },
    );
    stream.receiver?.data(Buffer.from('HTTP/1.1 200 OK\r\n\r\nuntil'));
    stream.receiver?.data(Buffer.from(' the end'));
    stream.receiver?.end();
    assert.deepEqual(heard, ['until false', ' the end false', ' true']);
  });

  for (const [rule, isOfProxy, end, isUnseen] of ends) {
    it(rule, async () => {
      const stream = new Scripted(isOfProxy);
      const connection = new ClientConnection({ stream, idle: () => undefined, gone: () => undefined });
      const { promise, resolve } = Promise.withResolvers<Error>();
      const start = { method: 'POST', url: '/', status: 0, reasonPhrase: '', httpVersion: '1.1' };
      connection.send(
        { head: new MessageHead(start, ['Host', 'a']), isUpgrade: false },
        { body: [Buffer.from('a')], isLast: true, trailers: [] },
        { ...UNHEARD, failed: resolve },
      );
      assert.ok(stream.receiver);
      end(stream.receiver);
      assert.equal((await promise) instanceof UnseenError, isUnseen);
    });
  }
});
