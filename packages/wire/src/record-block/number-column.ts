import type { ByteWriter } from './byte-writer.ts';
import { MAX_NUMBER_WIDTH, NUMBER_CONSTANT } from './layout.ts';

/** Numbers of one field, stored as offsets from the smallest in as few bytes as the largest offset needs. */
export class NumberColumn {
  readonly #maximum: number;
  #values: Float64Array;
  #smallest = 0;
  #width = NUMBER_CONSTANT;

  /** What is not a number from 0 to `maximum` is brought into that range: a log line must not fail. */
  constructor(capacity: number, maximum: number = Number.MAX_SAFE_INTEGER) {
    this.#maximum = maximum;
    this.#values = new Float64Array(capacity);
  }

  grow(capacity: number): void {
    const grown = new Float64Array(capacity);
    grown.set(this.#values);
    this.#values = grown;
  }

  add(row: number, value: number): void {
    this.#values[row] = value;
  }

  /** Makes the values whole and finds their range; comes before `encoding` and `write`. */
  measure(count: number): void {
    const values = this.#values.subarray(0, count);
    let smallest = this.#maximum;
    let largest = 0;
    for (let row = 0; row < count; row++) {
      const value = clamp(values[row] ?? 0, this.#maximum);
      values[row] = value;
      if (value < smallest) smallest = value;
      if (value > largest) largest = value;
    }
    this.#smallest = smallest;
    this.#width = bytesFor(largest - smallest);
  }

  encoding(): number {
    return this.#width;
  }

  write(out: ByteWriter, count: number): void {
    out.varint(this.#smallest);
    const room = out.claim(count * this.#width);
    if (this.#width <= 4) this.#writeSmall(room, count);
    else this.#writeLarge(room, count);
  }

  /** Offsets of 32 bits at most, where integer operations do. */
  #writeSmall(room: Uint8Array, count: number): void {
    const width = this.#width;
    const smallest = this.#smallest;
    for (let row = 0, at = 0; row < count; row++) {
      let offset = ((this.#values[row] ?? 0) - smallest) >>> 0;
      for (let i = 0; i < width; i++) {
        room[at++] = offset;
        offset >>>= 8;
      }
    }
  }

  #writeLarge(room: Uint8Array, count: number): void {
    const width = this.#width;
    for (let row = 0, at = 0; row < count; row++) {
      let offset = (this.#values[row] ?? 0) - this.#smallest;
      for (let i = 0; i < width; i++) {
        room[at++] = offset % 0x100;
        offset = Math.floor(offset / 0x100);
      }
    }
  }
}

function clamp(value: number, maximum: number): number {
  if (!(value > 0)) return 0;
  return value < maximum ? Math.floor(value) : maximum;
}

function bytesFor(range: number): number {
  let width = 0;
  for (let rest = range; rest >= 1 && width < MAX_NUMBER_WIDTH; rest /= 0x100) width++;
  return width;
}
