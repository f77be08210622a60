import type { ByteWriter } from './byte-writer.ts';
import type { IdForm } from './id-form.ts';
import { IdPacker, type PackedIds } from './id-packer.ts';
import { ID_EMPTY, ID_PACKED, ID_TEXT, ID_TEXT_LIMIT, IDS_EMPTY, IDS_MIXED, IDS_PACKED } from './layout.ts';
import { type TextMeter, truncate } from './text-meter.ts';

/** Ids packed at once. */
const GROUP = 64;
/**
 * Ids of one field: packed where they have the expected form, as text where not.
 *
 * Reading the characters of a JavaScript string one by one costs more than everything else in a record, so ids are joined,
 * and a group of them is turned into bytes in one go.
 */
export class IdColumn {
  readonly #form: IdForm;
  readonly #meter: TextMeter;
  #states: Uint8Array;
  /** Packed ids without gaps. */
  #packed: PackedIds;
  #texts: { readonly row: number; readonly text: string }[] = [];
  /** Ids of the right length that are still to be packed, and their rows. */
  #waiting = '';
  #waitingCount = 0;
  readonly #waitingRows = new Uint16Array(GROUP);
  readonly #packer: IdPacker;

  constructor(form: IdForm, meter: TextMeter, capacity: number) {
    this.#form = form;
    this.#meter = meter;
    this.#states = new Uint8Array(capacity);
    this.#packed = { bytes: new Uint8Array(capacity * form.bytes), end: 0 };
    this.#packer = new IdPacker(form, GROUP);
  }

  grow(capacity: number): void {
    const states = new Uint8Array(capacity);
    states.set(this.#states);
    this.#states = states;
    const packed = new Uint8Array(capacity * this.#form.bytes);
    packed.set(this.#packed.bytes);
    this.#packed = { bytes: packed, end: this.#packed.end };
  }

  add(row: number, id: string): void {
    if (id.length === this.#form.characters) this.#await(row, id);
    else if (id.length === 0) this.#states[row] = ID_EMPTY;
    else this.#keepText(row, id);
  }

  #await(row: number, id: string): void {
    this.#waiting += id;
    this.#waitingRows[this.#waitingCount++] = row;
    if (this.#waitingCount === GROUP) this.settle();
  }

  /** Packs what still waits; comes before `collect`, `encoding` and `write`. */
  settle(): void {
    const count = this.#waitingCount;
    const isAscii = this.#packer.load(this.#waiting);
    if (isAscii && this.#packer.pack(0, count, this.#packed)) {
      for (let i = 0; i < count; i++) this.#states[this.#waitingRows[i] ?? 0] = ID_PACKED;
    } else {
      this.#settleEach(isAscii);
    }
    this.#waiting = '';
    this.#waitingCount = 0;
  }

  #settleEach(isAscii: boolean): void {
    const { characters } = this.#form;
    for (let i = 0; i < this.#waitingCount; i++) {
      const row = this.#waitingRows[i] ?? 0;
      if (isAscii && this.#packer.pack(i, i + 1, this.#packed)) this.#states[row] = ID_PACKED;
      else this.#keepText(row, this.#waiting.slice(i * characters, (i + 1) * characters));
    }
  }

  #keepText(row: number, id: string): void {
    const text = truncate(id, ID_TEXT_LIMIT);
    this.#states[row] = ID_TEXT;
    this.#texts.push({ row, text });
    this.#meter.grew(text);
  }

  collect(texts: string[]): void {
    this.#texts.sort((a, b) => a.row - b.row);
    for (const { text } of this.#texts) texts.push(text);
  }

  encoding(count: number): number {
    if (this.#texts.length > 0) return IDS_MIXED;
    if (this.#packed.end === 0) return IDS_EMPTY;
    return this.#packed.end === count * this.#form.bytes ? IDS_PACKED : IDS_MIXED;
  }

  write(out: ByteWriter, count: number): void {
    if (this.encoding(count) === IDS_MIXED) {
      out.bytes(this.#states.subarray(0, count));
      for (const { text } of this.#texts) out.varint(text.length);
    }
    out.bytes(this.#packed.bytes.subarray(0, this.#packed.end));
  }

  reset(): void {
    this.#packed.end = 0;
    this.#texts = [];
  }
}
