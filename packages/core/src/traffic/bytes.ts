const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const BITS = 6;
const BYTE_BITS = 8;
const BYTE = 0xff;

/** UTF-8. */
export function bytesOfText(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const part of encodeURIComponent(text.toWellFormed()).matchAll(/%([0-9A-F]{2})|[^%]/g)) {
    bytes.push(part[1] === undefined ? part[0].charCodeAt(0) : Number.parseInt(part[1], 16));
  }
  return Uint8Array.from(bytes);
}

/** Base64 (RFC 4648 §4) with or without padding; other characters are passed over. */
export function bytesOfBase64(text: string): Uint8Array {
  const bytes: number[] = [];
  let bits = 0;
  let count = 0;
  for (const character of text) {
    const value = ALPHABET.indexOf(character);
    if (value === -1) continue;
    bits = (bits << BITS) | value;
    count += BITS;
    if (count >= BYTE_BITS) {
      count -= BYTE_BITS;
      bytes.push((bits >> count) & BYTE);
      bits &= (1 << count) - 1;
    }
  }
  return Uint8Array.from(bytes);
}
