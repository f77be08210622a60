import type { Readable } from 'node:stream';

import type { BodyPeek } from './call.ts';

const NOTHING = new Uint8Array();

/** A request whose body is read as a stream; Node's own is one. */
export interface BodyStream extends Readable {
  /** Whether all of it has arrived. */
  readonly complete: boolean;
}

/**
 * Reads ahead in a request's body, until it is over or more than `limit` bytes are there, and puts everything back:
 * whoever reads the request next gets its body from the first byte.
 */
export function peekBody(request: BodyStream, limit: number, signal: AbortSignal): Promise<BodyPeek> {
  // Whoever listens for what there is to read makes an empty stream end, and nobody after it would hear so.
  if (request.complete && request.readableLength === 0) return Promise.resolve({ bytes: NOTHING, complete: true });
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const stop = (): void => {
      request.off('readable', look);
      request.off('error', fail);
      request.off('close', closed);
      signal.removeEventListener('abort', closed);
    };
    const fail = (error: Error): void => {
      stop();
      reject(error);
    };
    const closed = (): void => fail(new Error('the caller went away before its body was there'));
    const look = (): void => {
      // Bytes are only taken while there are some: reading at the end of a stream would tell everybody that it is over.
      while (request.readableLength > 0 && length <= limit) {
        const chunk: unknown = request.read();
        if (!Buffer.isBuffer(chunk)) break;
        chunks.push(chunk);
        length += chunk.length;
      }
      if (!request.complete && length <= limit) return;
      stop();
      const bytes = Buffer.concat(chunks);
      if (length > 0) request.unshift(bytes);
      resolve({ bytes: bytes.subarray(0, limit), complete: length <= limit });
    };
    request.on('readable', look);
    request.on('error', fail);
    request.on('close', closed);
    signal.addEventListener('abort', closed);
    if (signal.aborted) closed();
    else if (request.complete) look();
  });
}
