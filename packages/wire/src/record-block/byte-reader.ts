import { RampartError } from '@rampart/core';

/** Reads what strangers sent: every length is checked before it is used. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  /** Where these bytes begin in the block, for messages. */
  readonly #base: number;
  #at = 0;

  constructor(bytes: Uint8Array, base = 0) {
    this.#bytes = bytes;
    this.#base = base;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw this.refusal('it ends early');
    this.#at++;
    return value;
  }

  uint32(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.take(4);
    return ((d << 24) | (c << 16) | (b << 8) | a) >>> 0;
  }

  /** Unsigned LEB128 in its shortest form, up to 2^53 - 1. */
  varint(): number {
    let value = 0;
    for (let factor = 1; factor < 2 ** 56; factor *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        if (byte === 0 && factor > 1) throw this.refusal('a number is not in its shortest form');
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
    }
    throw this.refusal('a number is larger than 2^53 - 1');
  }

  /** A view, not a copy. */
  take(length: number): Uint8Array {
    if (length > this.remaining) throw this.refusal('it ends early');
    const taken = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return taken;
  }

  /** The next `length` bytes as a reader of their own. */
  section(length: number): ByteReader {
    const base = this.#base + this.#at;
    return new ByteReader(this.take(length), base);
  }

  expectEnd(): void {
    if (this.remaining > 0) throw this.refusal(`${this.remaining} bytes are left over`);
  }

  /** To be thrown: says where reading stopped. */
  refusal(problem: string): RampartError {
    return new RampartError(
      'INVALID_ARGUMENT',
      `not an access-log record block: ${problem} (at byte ${this.#base + this.#at}); send a block made by RecordBlockWriter of the same version`,
    );
  }
}
