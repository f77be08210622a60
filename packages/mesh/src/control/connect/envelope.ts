import { RampartError } from '@rampart/core';

/** Flags of an envelope (Connect protocol, "Streaming RPCs"). */
export const COMPRESSED = 0x01;
export const END_OF_STREAM = 0x02;

const PREFIX_BYTES = 5;
/** A snapshot of a large mesh; whatever claims to be larger is no message of the control plane. */
const MOST_BYTES: number = 64 * 1024 * 1024;

export interface Envelope {
  readonly flags: number;
  readonly body: Uint8Array;
}

/** A message as it stands in a stream: flags, length, bytes. */
export function envelop(body: Uint8Array): Uint8Array {
  const enveloped = new Uint8Array(PREFIX_BYTES + body.length);
  new DataView(enveloped.buffer).setUint32(1, body.length);
  enveloped.set(body, PREFIX_BYTES);
  return enveloped;
}

/** Puts the envelopes of a stream together again, however it was cut on its way. */
export class EnvelopeReader {
  #waiting: Uint8Array[] = [];
  #length = 0;
  /** Bytes that must be there before anything can be read. */
  #needed = PREFIX_BYTES;

  /**
   * The envelopes that are complete with this chunk.
   *
   * @throws RampartError INVALID_ARGUMENT when one is larger than 64 MiB.
   */
  push(chunk: Uint8Array): Envelope[] {
    this.#waiting.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#needed) return [];
    let rest: Uint8Array = this.#waiting.length === 1 ? chunk : Buffer.concat(this.#waiting);
    const envelopes: Envelope[] = [];
    for (;;) {
      this.#needed = PREFIX_BYTES + (rest.length < PREFIX_BYTES ? 0 : bodyLength(rest));
      if (rest.length < this.#needed) break;
      envelopes.push({ flags: rest[0] ?? 0, body: rest.subarray(PREFIX_BYTES, this.#needed) });
      rest = rest.subarray(this.#needed);
    }
    this.#waiting = rest.length === 0 ? [] : [rest];
    this.#length = rest.length;
    return envelopes;
  }
}

function bodyLength(envelope: Uint8Array): number {
  const length = new DataView(envelope.buffer, envelope.byteOffset).getUint32(1);
  if (length <= MOST_BYTES) return length;
  throw new RampartError(
    'INVALID_ARGUMENT',
    `the control plane announced a message of ${length} bytes; check its version`,
  );
}
