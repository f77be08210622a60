import type { IdForm } from './id-form.ts';

const DASH = 0x2d;
/** In the table below: not two lower-case hex digits. */
const NOT_HEX = 0x100;
/** Most bytes UTF-8 needs for a UTF-16 code unit. */
const UTF8_BYTES = 3;

const encoder = new TextEncoder();
const PAIRS: Uint16Array = pairTable();

/** Bytes and the end of what was put there. */
export interface PackedIds {
  bytes: Uint8Array;
  end: number;
}

/**
 * Turns many ids of one form into bytes at once: two digits are one lookup, and one inner loop runs over all ids for each
 * byte. Pairs of digits at odd places are read from a second copy of the text that is shifted by one byte.
 */
export class IdPacker {
  readonly #form: IdForm;
  readonly #capacity: number;
  readonly #text: Uint8Array<ArrayBuffer>;
  readonly #pairs: Uint16Array;
  /** For each byte, the index of the first id's pair of digits in `#pairs`. */
  readonly #places: Uint16Array;
  readonly #dashes: readonly number[];

  /** `capacity`: ids loaded at once. */
  constructor(form: IdForm, capacity: number) {
    this.#form = form;
    this.#capacity = capacity;
    const size = capacity * form.characters;
    this.#text = new Uint8Array(size * UTF8_BYTES + 2);
    this.#pairs = new Uint16Array(this.#text.buffer, 0, size + 1);
    const { places, dashes } = layOut(form, size + 1);
    this.#places = places;
    this.#dashes = dashes;
  }

  /** Takes `count` ids of the right length, joined; false when there are other characters than ASCII among them. */
  load(ids: string): boolean {
    const { written } = encoder.encodeInto(ids, this.#text);
    this.#text.copyWithin(this.#capacity * this.#form.characters + 1, 0, written);
    return written === ids.length;
  }

  /** Appends the loaded ids from `first` to `last` (exclusive) to `to`, or nothing and false when one has another form. */
  pack(first: number, last: number, to: PackedIds): boolean {
    if (!this.#hasDashes(first, last)) return false;
    const pairs = this.#pairs;
    const packed = to.bytes;
    const { bytes, characters } = this.#form;
    const end = to.end + (last - first) * bytes;
    let joined = 0;
    for (let byte = 0; byte < bytes; byte++) {
      let from = (this.#places[byte] ?? 0) + (first * characters) / 2;
      for (let at = to.end + byte; at < end; at += bytes) {
        const value = PAIRS[pairs[from] ?? 0] ?? 0;
        joined |= value;
        packed[at] = value;
        from += characters / 2;
      }
    }
    if ((joined & NOT_HEX) !== 0) return false;
    to.end = end;
    return true;
  }

  #hasDashes(first: number, last: number): boolean {
    const { characters } = this.#form;
    for (const dash of this.#dashes) {
      for (let id = first; id < last; id++) {
        if (this.#text[id * characters + dash] !== DASH) return false;
      }
    }
    return true;
  }
}

/** Where a form's digits are; `shiftedAt` is where the shifted copy of the text begins. */
function layOut(form: IdForm, shiftedAt: number): { places: Uint16Array; dashes: number[] } {
  const places: number[] = [];
  const dashes: number[] = [];
  let at = 0;
  for (const bytes of form.groups) {
    if (at > 0) dashes.push(at++);
    for (let i = 0; i < bytes; i++) {
      places.push((at % 2 === 0 ? at : shiftedAt + at) / 2);
      at += 2;
    }
  }
  return { places: Uint16Array.from(places), dashes };
}

/** Byte for each two characters, read as one 16-bit number in this machine's byte order. */
function pairTable(): Uint16Array {
  const table = new Uint16Array(0x10000).fill(NOT_HEX);
  const digits = new Uint8Array(2);
  const pair = new Uint16Array(digits.buffer);
  for (let byte = 0; byte < 0x100; byte++) {
    encoder.encodeInto(byte.toString(16).padStart(2, '0'), digits);
    table[pair[0] ?? 0] = byte;
  }
  return table;
}
