/** Consul's cap, in bytes of UTF-8. */
const MOST_BYTES = 4096;

/** The first 4 KiB of what a check said, as text that is whole. */
export function checkOutput(text: string | Uint8Array): string {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  if (bytes.length <= MOST_BYTES) return Buffer.from(bytes).toString();
  let end = MOST_BYTES;
  // A character must not be cut in the middle: continuation bytes are 10xxxxxx.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return Buffer.from(bytes.subarray(0, end)).toString();
}
