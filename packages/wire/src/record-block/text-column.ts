import type { ByteWriter } from './byte-writer.ts';
import { TEXT_CONSTANT, TEXT_DICTIONARY_16, TEXT_DICTIONARY_8 } from './layout.ts';
import { type TextMeter, truncate } from './text-meter.ts';

const SHORTCUTS = 64;

/**
 * Texts of one field, each distinct one stored once.
 *
 * Most fields repeat from request to request, so the value before is tried first. The rest (paths, user agents) arrive as
 * fresh strings whose hash a `Map` would have to compute over their whole length; a small table indexed by length and three
 * characters finds the usual ones by comparing instead.
 */
export class TextColumn {
  readonly #limit: number;
  readonly #meter: TextMeter;
  readonly #indexOf = new Map<string, number>();
  readonly #shortcuts: (string | undefined)[] = Array.from({ length: SHORTCUTS });
  readonly #shortcutIndexes = new Uint16Array(SHORTCUTS);
  #values: string[] = [];
  /** Written only once a second value has been seen. */
  #indexes: Uint16Array;
  #last: string | undefined = undefined;
  #lastIndex = 0;
  #varied = false;

  constructor(limit: number, meter: TextMeter, capacity: number) {
    this.#limit = limit;
    this.#meter = meter;
    this.#indexes = new Uint16Array(capacity);
  }

  grow(capacity: number): void {
    const grown = new Uint16Array(capacity);
    grown.set(this.#indexes);
    this.#indexes = grown;
  }

  add(row: number, value: string): void {
    if (value !== this.#last) this.#change(row, value);
    if (this.#varied) this.#indexes[row] = this.#lastIndex;
  }

  #change(row: number, value: string): void {
    const slot = shortcutOf(value);
    if (this.#shortcuts[slot] === value) {
      this.#lastIndex = this.#shortcutIndexes[slot] ?? 0;
    } else {
      this.#lastIndex = this.#indexFor(row, value);
      this.#shortcuts[slot] = value;
      this.#shortcutIndexes[slot] = this.#lastIndex;
    }
    this.#last = value;
  }

  #indexFor(row: number, value: string): number {
    const kept = truncate(value, this.#limit);
    const known = this.#indexOf.get(kept);
    if (known !== undefined) return known;
    const index = this.#values.push(kept) - 1;
    this.#indexOf.set(kept, index);
    this.#meter.grew(kept);
    if (index === 1) {
      this.#indexes.fill(0, 0, row);
      this.#varied = true;
    }
    return index;
  }

  collect(texts: string[]): void {
    for (const value of this.#values) texts.push(value);
  }

  encoding(): number {
    if (this.#values.length === 1) return TEXT_CONSTANT;
    return this.#values.length <= 0x100 ? TEXT_DICTIONARY_8 : TEXT_DICTIONARY_16;
  }

  write(out: ByteWriter, count: number): void {
    const encoding = this.encoding();
    if (encoding !== TEXT_CONSTANT) out.varint(this.#values.length);
    for (const value of this.#values) out.varint(value.length);
    if (encoding === TEXT_DICTIONARY_8) out.claim(count).set(this.#indexes.subarray(0, count));
    if (encoding === TEXT_DICTIONARY_16) writeUint16s(out.claim(count * 2), this.#indexes.subarray(0, count));
  }

  reset(): void {
    this.#indexOf.clear();
    this.#shortcuts.fill(undefined);
    this.#values = [];
    this.#last = undefined;
    this.#lastIndex = 0;
    this.#varied = false;
  }
}

/** Paths of one service often share length and ending, ids in them sit in the middle: three places tell most apart. */
function shortcutOf(value: string): number {
  const length = value.length;
  if (length === 0) return 0;
  const end = value.charCodeAt(length - 1);
  const middle = value.charCodeAt(length >> 1);
  const later = value.charCodeAt((length * 3) >> 2);
  return (length + end * 5 + middle * 11 + later * 23) & (SHORTCUTS - 1);
}

function writeUint16s(room: Uint8Array, values: Uint16Array): void {
  let at = 0;
  for (const value of values) {
    room[at++] = value & 0xff;
    room[at++] = value >>> 8;
  }
}
