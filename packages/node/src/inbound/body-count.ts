import { ServerResponse } from 'node:http';

import { wrapMethod } from '../wrap-method.ts';

const streamed: unique symbol = Symbol('rampart.streamed');

type Counting = ServerResponse & { [streamed]?: number };

/** Counts the bytes of responses written in several pieces; whole responses are counted from their headers. */
export function countStreamedBodies(): void {
  wrapMethod(ServerResponse.prototype, 'write', (write, self, args) => {
    if (self instanceof ServerResponse) addStreamed(self, sizeOf(args[0]));
    return write(self, args);
  });
  wrapMethod(ServerResponse.prototype, 'end', (end, self, args) => {
    if (self instanceof ServerResponse && isStreamed(self)) addStreamed(self, sizeOf(args[0]));
    return end(self, args);
  });
}

function isStreamed(response: Counting): boolean {
  return response[streamed] !== undefined;
}

function addStreamed(response: Counting, bytes: number): void {
  response[streamed] = (response[streamed] ?? 0) + bytes;
}

/** Body bytes of a finished response. */
export function bytesSent(response: Counting): number {
  return response[streamed] ?? declaredLength(response.getHeader('content-length')) ?? implicitLength(response);
}

/** Node keeps the length it derived from a single `end(body)` in a field of its own. */
function implicitLength(response: ServerResponse): number {
  const length: unknown = Reflect.get(response, '_contentLength');
  return typeof length === 'number' ? length : 0;
}

function declaredLength(header: number | string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  const length = Number(header);
  return Number.isSafeInteger(length) && length >= 0 ? length : undefined;
}

function sizeOf(chunk: unknown): number {
  if (typeof chunk === 'string') return Buffer.byteLength(chunk);
  return chunk instanceof Uint8Array ? chunk.byteLength : 0;
}
