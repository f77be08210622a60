import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Http2Server } from 'node:http2';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { createNodeHttpClient, Http2SessionManager } from '@connectrpc/connect-node';
import { readingAhead } from '@rampart/wire/reading-ahead';

const ANSWER = 'the whole answer';
const FRAME_HEAD_BYTES = 9;
const DATA = 0;
const HEADERS = 1;
const END_STREAM = 1;

/** Whether these frames (RFC 9113 §4.1) are complete, and so are the answers that begin in them. */
function isWhole(frames: Buffer): boolean {
  let isOpen = false;
  let at = 0;
  while (frames.length - at >= FRAME_HEAD_BYTES) {
    const type = frames.readUInt8(at + 3);
    if (type === DATA || type === HEADERS) isOpen = (frames.readUInt8(at + 4) & END_STREAM) === 0;
    at += FRAME_HEAD_BYTES + frames.readUIntBE(at, 3);
  }
  return at === frames.length && !isOpen;
}

/** A connection whose answers arrive each in one piece, as they do at a process that was kept from reading. */
class InOnePiece extends Duplex {
  readonly #socket: Socket;

  constructor(port: number) {
    super();
    this.#socket = connect(port, '127.0.0.1');
    let held = Buffer.alloc(0);
    this.#socket.on('data', (chunk) => {
      held = Buffer.concat([held, chunk]);
      if (!isWhole(held)) return;
      this.push(held);
      held = Buffer.alloc(0);
    });
    this.#socket.once('close', () => this.push(null));
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}

describe('an answer that is complete before anybody reads it', () => {
  let server: Http2Server;
  let sessions: Http2SessionManager;

  before(async () => {
    server = createServer((request, response) => {
      request.resume().once('end', () => response.end(ANSWER));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const createConnection = (): Duplex => new InOnePiece(port);
    sessions = readingAhead(new Http2SessionManager(`http://127.0.0.1:${port}`, {}, { createConnection }));
  });
  after(() => {
    sessions.abort();
    server.close();
  });

  it('is an answer, not a connection that was cut off', async () => {
    const send = createNodeHttpClient({ httpVersion: '2', sessionProvider: () => sessions });
    for (let call = 0; call < 3; call += 1) {
      const { body } = await send({ method: 'POST', url: sessions.authority, header: new Headers() });
      const chunks = [];
      for await (const chunk of body) chunks.push(chunk);
      assert.equal(Buffer.concat(chunks).toString(), ANSWER);
    }
  });
});
