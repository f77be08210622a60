import { encodeOid } from './oid.ts';
import { contextConstructedTag, contextTag, TAG } from './tag.ts';

/** One element: identifier, minimal definite length, content. */
export function encode(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const length = contents.reduce((sum, content) => sum + content.length, 0);
  const header = [tag, ...lengthOctets(length)];
  const bytes = new Uint8Array(header.length + length);
  bytes.set(header);
  let at = header.length;
  for (const content of contents) {
    bytes.set(content, at);
    at += content.length;
  }
  return bytes;
}

export function sequence(...contents: readonly Uint8Array[]): Uint8Array {
  return encode(TAG.sequence, ...contents);
}

export function set(...contents: readonly Uint8Array[]): Uint8Array {
  return encode(TAG.set, ...contents);
}

/** `[number] IMPLICIT` of a primitive type with this content. */
export function context(number: number, content: Uint8Array): Uint8Array {
  return encode(contextTag(number), content);
}

/** `[number]` around whole elements. */
export function contextConstructed(number: number, ...contents: readonly Uint8Array[]): Uint8Array {
  return encode(contextConstructedTag(number), ...contents);
}

export function booleanTrue(): Uint8Array {
  return encode(TAG.boolean, Uint8Array.of(0xff));
}

/** Non-negative INTEGER from its big-endian magnitude. */
export function unsignedInteger(magnitude: Uint8Array): Uint8Array {
  const first = magnitude.findIndex((octet) => octet !== 0);
  const digits = first === -1 ? Uint8Array.of(0) : magnitude.subarray(first);
  const negative = (digits[0] ?? 0) >= 0x80;
  return negative ? encode(TAG.integer, Uint8Array.of(0), digits) : encode(TAG.integer, digits);
}

export function smallInteger(value: number): Uint8Array {
  return unsignedInteger(Uint8Array.of(value));
}

export function octetString(...contents: readonly Uint8Array[]): Uint8Array {
  return encode(TAG.octetString, ...contents);
}

/** BIT STRING of whole octets. */
export function bitString(content: Uint8Array): Uint8Array {
  return encode(TAG.bitString, Uint8Array.of(0), content);
}

/** BIT STRING of named bits below position 8, without trailing zero bits (X.690 §11.2.2). */
export function namedBits(...positions: readonly number[]): Uint8Array {
  const octet = positions.reduce((bits, position) => bits | (0x80 >> position), 0);
  const unused = 7 - Math.max(...positions);
  return encode(TAG.bitString, Uint8Array.of(unused, octet));
}

export function oid(dotted: string): Uint8Array {
  return encode(TAG.oid, encodeOid(dotted));
}

export function utf8String(text: string): Uint8Array {
  return encode(TAG.utf8String, new TextEncoder().encode(text));
}

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [0x80 | octets.length, ...octets];
}
