import assert from 'node:assert/strict';

/** What came of the first bytes of a connection; see `Parsed` of the proxy. */
type Parsed =
  | { readonly kind: 'more' }
  | { readonly kind: 'bad'; readonly reason: string }
  | { readonly kind: 'done'; readonly value: unknown; readonly length: number };

/**
 * Reads an input as the beginning of a connection, whole and as it trickles in. However the bytes come, one thing must come of
 * them: nobody may see another request in them by sending them in other pieces.
 */
export function readAtEveryLength<P extends Parsed>(input: Uint8Array, parse: (bytes: Buffer) => P): P {
  const bytes = Buffer.from(input);
  const whole = parse(bytes);
  const last = whole.kind === 'done' ? whole.length : bytes.length;
  if (whole.kind === 'done') assert.ok(whole.length <= bytes.length, 'more was taken than there is');
  for (let length = 0; length < last; length += 1) {
    const part = parse(bytes.subarray(0, length));
    if (part.kind === 'done') assert.fail(`what is done with ${length} bytes is ${whole.kind} with more`);
    if (part.kind === 'bad') {
      assert.equal(whole.kind, 'bad', `what is refused with ${length} bytes is ${whole.kind} with more`);
      return part;
    }
  }
  if (whole.kind === 'done' && last > 0) assert.deepEqual(parse(bytes.subarray(0, last)), whole);
  return whole;
}
