import { Duplex } from 'node:stream';

import type { ByteStream } from '../stream/byte-stream.ts';
import { SocketStream } from '../stream/socket-stream.ts';
import type { ByteCounts } from './overhead.ts';

type Done = (error?: Error | null) => void;

/** Up to here writes that come together are copied together. */
const COPIED_BYTES = 65_536;

/**
 * What `node:http2` takes for a connection: the socket itself where a stream is one, which it then reads and writes below
 * JavaScript, and anything else wrapped. `head` was read of the stream before, and comes first.
 */
export function connectionOf(stream: ByteStream, head: Buffer): Duplex & ByteCounts {
  if (stream instanceof SocketStream) {
    const socket = stream.release(head);
    // Whoever ends a connection of HTTP/2 has no use for the other half of it.
    socket.allowHalfOpen = false;
    return socket;
  }
  const wrapped = new WrappedStream(stream);
  if (head.length > 0) wrapped.bring(head);
  return wrapped;
}

/** A stream as Node's own kind of it. */
class WrappedStream extends Duplex implements ByteCounts {
  bytesRead = 0;
  bytesWritten = 0;
  readonly #stream: ByteStream;
  #waiting: Done | undefined;
  #hasClosed = false;

  constructor(stream: ByteStream) {
    super();
    this.#stream = stream;
    stream.receive({
      data: (chunk) => {
        if (!this.bring(chunk)) stream.pause();
      },
      end: () => this.push(null),
      drain: () => this.#goOn(),
      close: (error) => {
        this.#hasClosed = true;
        this.destroy(error);
      },
    });
  }

  /** False when it has enough for now. */
  bring(chunk: Buffer): boolean {
    this.bytesRead += chunk.length;
    return this.push(chunk);
  }

  override _read(): void {
    this.#stream.resume();
  }

  override _write(chunk: Uint8Array, _encoding: unknown, done: Done): void {
    this.bytesWritten += chunk.length;
    if (this.#stream.write(chunk)) done();
    else this.#waiting = done;
  }

  override _writev(chunks: readonly { readonly chunk: Uint8Array }[], done: Done): void {
    const pieces = chunks.map(({ chunk }) => chunk);
    const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
    this.bytesWritten += bytes;
    let hasRoom = true;
    for (const piece of bytes <= COPIED_BYTES ? [Buffer.concat(pieces, bytes)] : pieces)
      hasRoom = this.#stream.write(piece);
    if (hasRoom) done();
    else this.#waiting = done;
  }

  override _final(done: Done): void {
    this.#stream.end();
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    const hasEnded = this.writableFinished && this.readableEnded;
    if (!this.#hasClosed && !hasEnded) this.#stream.reset(error ?? undefined);
    this.#goOn();
    done(error);
  }

  #goOn(): void {
    const done = this.#waiting;
    this.#waiting = undefined;
    done?.();
  }
}
