import { encodeOid } from './oid.ts';
import { contextConstructedTag, contextTag, TAG } from './tag.ts';

/** One element: identifier, minimal definite length, content. */
export function encode(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const content of contents) length += content.length;
  const lengthSize = lengthOctets(length);
  const bytes = new Uint8Array(1 + lengthSize + length);
  bytes[0] = tag;
  writeLength(bytes, length, lengthSize);
  let at = 1 + lengthSize;
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

const TRUE = encode(TAG.boolean, Uint8Array.of(0xff));

/** Do not write to it. */
export function booleanTrue(): Uint8Array {
  return TRUE;
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

/** For the constants of this package: what was encoded once is kept. Do not write to it. */
export function oid(dotted: string): Uint8Array {
  let encoded = encodedOids.get(dotted);
  if (encoded === undefined) {
    encoded = encode(TAG.oid, encodeOid(dotted));
    encodedOids.set(dotted, encoded);
  }
  return encoded;
}

const encodedOids = new Map<string, Uint8Array>();

const UTF8 = new TextEncoder();

export function utf8String(text: string): Uint8Array {
  return encode(TAG.utf8String, UTF8.encode(text));
}

/** How many octets the length takes (X.690 §8.1.3): one below 128, otherwise one that counts the others. */
function lengthOctets(length: number): number {
  if (length < 0x80) return 1;
  let octets = 1;
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets += 1;
  return octets;
}

function writeLength(bytes: Uint8Array, length: number, octets: number): void {
  if (octets === 1) {
    bytes[1] = length;
    return;
  }
  bytes[1] = 0x80 | (octets - 1);
  for (let at = octets, rest = length; at > 1; at -= 1, rest = Math.floor(rest / 256)) bytes[at] = rest % 256;
}
