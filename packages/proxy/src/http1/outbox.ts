import { joined } from '../stream/byte-stream.ts';
import type { ByteStream } from '../stream/byte-stream.ts';
import type { Framing } from './head-text.ts';
import type { Portion } from './message-reader.ts';

/** Up to here bytes are copied together: one write costs more than the copy. */
const COPIED_BYTES = 16_384;
const LINE_END: Buffer = Buffer.from('\r\n');

export interface HeadToSend {
  /** With its end. */
  readonly text: string;
  readonly framing: Framing;
}

/** Writes the head of a message with what is there of its body, in as few writes as possible. Says whether there is room for more. */
export function sendHead(stream: ByteStream, { text, framing }: HeadToSend, portion: Portion): boolean {
  const parts = framed(portion, framing);
  let bytes = 0;
  for (const part of parts) bytes += part.length;
  if (bytes > COPIED_BYTES) {
    stream.write(Buffer.from(text, 'latin1'), true);
    return sendParts(stream, parts, { bytes, goesOn: !portion.isLast });
  }
  const message = { text, parts, length: text.length + bytes };
  return stream.writeTogether === undefined
    ? stream.write(joined(message), !portion.isLast)
    : stream.writeTogether(message);
}

/**
 * Writes a head that goes on as it came, with what came of its body right behind it: nothing is put together anew. Undefined
 * where that is not so, or where the stream copies what it is given anyway.
 */
export function sendUnchanged(stream: ByteStream, head: Buffer | undefined, portion: Portion): boolean | undefined {
  if (head === undefined || stream.writeTogether !== undefined) return undefined;
  const { body, isLast } = portion;
  const [first] = body;
  if (first === undefined) return stream.write(head, !isLast);
  const isBehind = first.buffer === head.buffer && first.byteOffset === head.byteOffset + head.length;
  if (body.length > 1 || !isBehind) return undefined;
  return stream.write(Buffer.from(head.buffer, head.byteOffset, head.length + first.length), !isLast);
}

/** Writes more of a body. Says whether there is room for more. */
export function sendPortion(stream: ByteStream, portion: Portion, framing: Framing): boolean {
  const parts = framed(portion, framing);
  let bytes = 0;
  for (const part of parts) bytes += part.length;
  return bytes === 0 || sendParts(stream, parts, { bytes, goesOn: !portion.isLast });
}

function sendParts(
  stream: ByteStream,
  parts: readonly Buffer[],
  { bytes, goesOn }: { readonly bytes: number; readonly goesOn: boolean },
): boolean {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return stream.write(first, goesOn);
  if (bytes <= COPIED_BYTES) return stream.write(Buffer.concat(parts, bytes), goesOn);
  let hasRoom = true;
  for (const [index, part] of parts.entries()) hasRoom = stream.write(part, goesOn || index < parts.length - 1);
  return hasRoom;
}

/** RFC 9112 §7.1. */
function framed({ body, isLast, trailers }: Portion, framing: Framing): readonly Buffer[] {
  if (framing !== 'chunked') return body;
  const parts: Buffer[] = [];
  for (const chunk of body) {
    if (chunk.length > 0) parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`, 'latin1'), chunk, LINE_END);
  }
  if (isLast) parts.push(Buffer.from(`0\r\n${trailerLines(trailers)}\r\n`, 'latin1'));
  return parts;
}

function trailerLines(trailers: readonly string[]): string {
  let text = '';
  for (let index = 0; index + 1 < trailers.length; index += 2)
    text += `${trailers[index] ?? ''}: ${(trailers[index + 1] ?? '').trimEnd()}\r\n`;
  return text;
}
