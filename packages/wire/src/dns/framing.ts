const LENGTH_BYTES = 2;

/** A message as it goes over TCP: two bytes of length before it (RFC 1035 §4.2.2). */
export function framed(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(LENGTH_BYTES + message.length);
  bytes[0] = message.length >> 8;
  bytes[1] = message.length & 0xff;
  bytes.set(message, LENGTH_BYTES);
  return bytes;
}

/** The first whole message of what came over TCP, without its length; undefined while there is none. */
export function firstMessage(bytes: Uint8Array, maxBytes: number): Uint8Array | 'too long' | undefined {
  const [high, low] = bytes;
  if (high === undefined || low === undefined) return undefined;
  const length = high * 256 + low;
  if (length > maxBytes) return 'too long';
  return bytes.length < LENGTH_BYTES + length ? undefined : bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + length);
}
