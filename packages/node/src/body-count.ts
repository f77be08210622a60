import { ClientRequest, OutgoingMessage, ServerResponse } from 'node:http';

import { wrapMethod } from './wrap-method.ts';

const streamed: unique symbol = Symbol('rampart.streamed');

type Counting = OutgoingMessage & { [streamed]?: number };

/** Counts the bytes of bodies written in several pieces; whole bodies are counted from their headers. */
export function countStreamedBodies(): void {
  for (const prototype of [ServerResponse.prototype, ClientRequest.prototype]) {
    wrapMethod(prototype, 'write', (write, self, args) => {
      if (self instanceof OutgoingMessage) addStreamed(self, sizeOf(args[0]));
      return write(self, args);
    });
    wrapMethod(prototype, 'end', (end, self, args) => {
      if (self instanceof OutgoingMessage && isStreamed(self)) addStreamed(self, sizeOf(args[0]));
      return end(self, args);
    });
  }
}

function isStreamed(message: Counting): boolean {
  return message[streamed] !== undefined;
}

function addStreamed(message: Counting, bytes: number): void {
  message[streamed] = (message[streamed] ?? 0) + bytes;
}

/** Body bytes of a finished message. */
export function bytesSent(message: Counting): number {
  return message[streamed] ?? declaredLength(message.getHeader('content-length')) ?? implicitLength(message);
}

/** Node keeps the length it derived from a single `end(body)` in a field of its own. */
function implicitLength(message: OutgoingMessage): number {
  const length: unknown = Reflect.get(message, '_contentLength');
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
