import { IncomingMessage } from 'node:http';

const counter: unique symbol = Symbol('rampart.counter');

type Counted = IncomingMessage & { [counter]?: (bytes: number) => void };

const { push } = IncomingMessage.prototype;

/** Reports the bytes of a message's body as the parser delivers them, whatever the headers promised. */
export function countBody(message: Counted, count: (bytes: number) => void): void {
  message[counter] = count;
  message.push = countingPush;
}

function countingPush(this: Counted, chunk: unknown, encoding?: BufferEncoding): boolean {
  if (chunk instanceof Uint8Array) this[counter]?.(chunk.byteLength);
  return push.call(this, chunk, encoding);
}
