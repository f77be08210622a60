import { ClientRequest, ServerResponse } from 'node:http';
import type { OutgoingMessage } from 'node:http';

const streamed: unique symbol = Symbol('rampart.streamed');

type Counting = OutgoingMessage & { [streamed]?: number };

/** Node's `write` and `end`: chunk, encoding, callback. What is left out is passed on as undefined, which Node takes for absent. */
type Send<Result> = (this: OutgoingMessage, ...args: [chunk: unknown, encoding: unknown, callback: unknown]) => Result;

/**
 * Counts the bytes of bodies written in several pieces; whole bodies are counted from their headers. Every response and
 * request goes through here: nothing is allocated on the way.
 */
export function countStreamedBodies(): void {
  for (const prototype of [ServerResponse.prototype, ClientRequest.prototype]) {
    const write = prototype.write as Send<boolean>;
    const end = prototype.end as Send<OutgoingMessage>;
    const countingWrite: Send<boolean> = function (chunk, encoding, callback) {
      addStreamed(this, sizeOf(chunk));
      return write.call(this, chunk, encoding, callback);
    };
    const countingEnd: Send<OutgoingMessage> = function (chunk, encoding, callback) {
      if (isStreamed(this) || (this.headersSent && lengthOf(this) === undefined)) addStreamed(this, sizeOf(chunk));
      return end.call(this, chunk, encoding, callback);
    };
    Object.assign(prototype, { write: countingWrite, end: countingEnd });
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
  return message[streamed] ?? declaredLength(message.getHeader('content-length')) ?? lengthOf(message) ?? 0;
}

/**
 * Node keeps the length that it derived from a single `end(body)`, or read from the headers that it wrote, in a field of its own.
 * It has none where headers without a length went ahead of the body.
 */
function lengthOf(message: OutgoingMessage & { readonly _contentLength?: unknown }): number | undefined {
  const length = message._contentLength;
  return typeof length === 'number' ? length : undefined;
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
