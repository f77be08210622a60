import type { Http2Stream } from 'node:http2';

/** Bytes of the bodies of one stream of HTTP/2, as they are sent and as they arrive. */
export interface StreamBytes {
  sent: number;
  received: number;
  /** Whether everything from the other side has arrived. */
  complete: boolean;
  /**
   * Keeps back that nothing more comes, until what it returns is called: a body of nothing would end before anybody listens to
   * it, and nobody would hear so later.
   */
  holdEnd(): () => void;
}

/** Node's own, with chunk, encoding and callback. */
type Write = (...args: readonly unknown[]) => unknown;

/** Counts from now on. */
export function countStream(stream: Http2Stream): StreamBytes {
  const { push } = stream;
  let isHeld = false;
  let isEndHeld = false;
  const release = (): void => {
    isHeld = false;
    if (isEndHeld) push.call(stream, null);
    isEndHeld = false;
  };
  const holdEnd = (): (() => void) => {
    isHeld = true;
    return release;
  };
  const bytes: StreamBytes = { sent: 0, received: 0, complete: stream.endAfterHeaders, holdEnd };
  // Node has these two in prototypes that it does not export.
  const write = Reflect.get(stream, '_write') as Write;
  const writev = Reflect.get(stream, '_writev') as Write;
  Object.assign(stream, {
    push: (chunk: unknown, encoding?: BufferEncoding): boolean => {
      if (chunk === null) bytes.complete = true;
      else bytes.received += sizeOf(chunk);
      if (chunk === null && isHeld && !stream.destroyed) {
        isEndHeld = true;
        // Whoever reads ahead has all there is.
        return stream.emit('readable');
      }
      return push.call(stream, chunk, encoding);
    },
    _write: (chunk: unknown, encoding: unknown, callback: unknown): unknown => {
      bytes.sent += sizeOf(chunk);
      return Reflect.apply(write, stream, [chunk, encoding, callback]);
    },
    _writev: (chunks: readonly { readonly chunk: unknown }[], callback: unknown): unknown => {
      for (const { chunk } of chunks) bytes.sent += sizeOf(chunk);
      return Reflect.apply(writev, stream, [chunks, callback]);
    },
  });
  return bytes;
}

function sizeOf(chunk: unknown): number {
  if (typeof chunk === 'string') return Buffer.byteLength(chunk);
  return chunk instanceof Uint8Array ? chunk.byteLength : 0;
}
