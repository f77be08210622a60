import { GRPC_STATUSES } from '@rampart/core';

/** Length of what stands before a message: a flag and the message's length (gRPC over HTTP/2). */
const PREFIX = 5;

export const SUCCESS = '0';

export function frameMessage(message: Uint8Array): Buffer {
  const framed = Buffer.alloc(PREFIX + message.length);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, PREFIX);
  return framed;
}

/** The one message of a unary answer, or why it is none. */
export function unframeMessage(framed: Buffer): { message: Uint8Array; problem: '' } | { problem: string } {
  if (framed.length < PREFIX) return { problem: 'its answer has no message' };
  if (framed[0] !== 0) return { problem: 'its answer is compressed, which nobody asked for' };
  const length = framed.readUInt32BE(1);
  if (framed.length !== PREFIX + length) {
    return { problem: `its answer says ${length} bytes and has ${framed.length - PREFIX}` };
  }
  return { message: framed.subarray(PREFIX), problem: '' };
}

/** "gRPC status UNAVAILABLE: try later", with what the server says percent-decoded and cut. */
export function describeStatus(code: string, message: string): string {
  const name = GRPC_STATUSES[Number(code)] ?? code.slice(0, 20);
  return `gRPC status ${name}${message === '' ? '' : `: ${decoded(message).slice(0, 200)}`}`;
}

function decoded(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

/** "600000m": milliseconds, in the eight digits that the protocol has for them. */
export function timeoutHeader(milliseconds: number): string {
  const whole = Math.max(1, Math.ceil(milliseconds));
  return whole < 1e8 ? `${whole}m` : `${Math.min(99_999_999, Math.ceil(whole / 1000))}S`;
}
