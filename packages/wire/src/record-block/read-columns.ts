import type { ByteReader } from './byte-reader.ts';
import { type IdForm, unpackId } from './id-form.ts';
import {
  ID_EMPTY,
  ID_PACKED,
  ID_TEXT,
  ID_TEXT_LIMIT,
  IDS_EMPTY,
  IDS_MIXED,
  IDS_PACKED,
  MAX_NUMBER_WIDTH,
  TEXT_CONSTANT,
  TEXT_DICTIONARY_16,
  TEXT_DICTIONARY_8,
} from './layout.ts';
import type { TextPool } from './text-pool.ts';

/** The value of one field in a row. */
export type Column<T> = (row: number) => T;

/** One column's encoding and its bytes. */
export interface ColumnSource {
  readonly encoding: number;
  readonly bytes: ByteReader;
  /** Rows. */
  readonly count: number;
}

/** @throws RampartError INVALID_ARGUMENT, like every function here. */
export function readNumbers(source: ColumnSource, maximum: number): Column<number> {
  const { encoding: width, bytes, count } = source;
  if (width > MAX_NUMBER_WIDTH) throw bytes.refusal(`no number column has encoding ${width}`);
  const smallest = bytes.varint();
  const offsets = bytes.take(width * count);
  const values = new Float64Array(count);
  for (let row = 0; row < count; row++) {
    const value = smallest + littleEndian(offsets, row * width, width);
    if (value > maximum) throw bytes.refusal(`a number is larger than ${maximum}`);
    values[row] = value;
  }
  return (row) => values[row] ?? 0;
}

function littleEndian(bytes: Uint8Array, start: number, width: number): number {
  let value = 0;
  for (let i = width - 1; i >= 0; i--) value = value * 0x100 + (bytes[start + i] ?? 0);
  return value;
}

/** What a text column may hold. */
export interface TextRule<T extends string> {
  /** UTF-16 code units of a text. */
  readonly limit: number;
  /** Is given each distinct text once, and throws where it is none of this column. */
  admit(text: string): T;
}

export function readTexts<T extends string>(source: ColumnSource, pool: TextPool, rule: TextRule<T>): Column<T> {
  const { encoding, bytes, count } = source;
  if (encoding === TEXT_CONSTANT) {
    const constant = rule.admit(pool.next(bytes, rule.limit));
    return () => constant;
  }
  if (encoding !== TEXT_DICTIONARY_8 && encoding !== TEXT_DICTIONARY_16)
    throw bytes.refusal(`no text column has encoding ${encoding}`);
  const size = bytes.varint();
  if (size > count) throw bytes.refusal(`${size} texts for ${count} rows`);
  const dictionary = Array.from({ length: size }, () => rule.admit(pool.next(bytes, rule.limit)));
  const [first] = dictionary;
  if (first === undefined) throw bytes.refusal('it has rows and no text for them');
  const indexes = readIndexes(source, encoding === TEXT_DICTIONARY_8 ? 1 : 2, size);
  return (row) => dictionary[indexes[row] ?? 0] ?? first;
}

function readIndexes({ bytes, count }: ColumnSource, width: 1 | 2, size: number): Uint8Array | Uint16Array {
  const packed = bytes.take(count * width);
  const indexes = width === 1 ? packed : new Uint16Array(count);
  for (let row = 0; row < count; row++) {
    const index = width === 1 ? (packed[row] ?? 0) : littleEndian(packed, row * width, width);
    if (index >= size) throw bytes.refusal(`a row names text ${index} of ${size}`);
    if (width === 2) indexes[row] = index;
  }
  return indexes;
}

export function readIds(source: ColumnSource, pool: TextPool, form: IdForm): Column<string> {
  const { encoding, bytes, count } = source;
  switch (encoding) {
    case IDS_EMPTY:
      return () => '';
    case IDS_PACKED: {
      const packed = bytes.take(count * form.bytes);
      return (row) => unpackId(form, packed, row * form.bytes);
    }
    case IDS_MIXED:
      return readMixedIds(source, pool, form);
    default:
      throw bytes.refusal(`no id column has encoding ${encoding}`);
  }
}

function readMixedIds({ bytes, count }: ColumnSource, pool: TextPool, form: IdForm): Column<string> {
  const states = bytes.take(count);
  const ids = Array.from({ length: count }, () => '');
  const packedRows: number[] = [];
  for (const [row, state] of states.entries()) {
    if (state === ID_TEXT) ids[row] = pool.next(bytes, ID_TEXT_LIMIT);
    else if (state === ID_PACKED) packedRows.push(row);
    else if (state !== ID_EMPTY) throw bytes.refusal(`no id is of kind ${state}`);
  }
  for (const row of packedRows) ids[row] = unpackId(form, bytes.take(form.bytes), 0);
  return (row) => ids[row] ?? '';
}
