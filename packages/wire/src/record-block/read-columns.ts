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

export function readTexts(source: ColumnSource, pool: TextPool, limit: number): Column<string> {
  const { encoding, bytes, count } = source;
  if (encoding === TEXT_CONSTANT) {
    const constant = pool.next(bytes, limit);
    return () => constant;
  }
  if (encoding !== TEXT_DICTIONARY_8 && encoding !== TEXT_DICTIONARY_16)
    throw bytes.refusal(`no text column has encoding ${encoding}`);
  const dictionary = readDictionary(source, pool, limit);
  const width = encoding === TEXT_DICTIONARY_8 ? 1 : 2;
  const packed = bytes.take(count * width);
  const indexes = new Uint16Array(count);
  for (let row = 0; row < count; row++) {
    const index = littleEndian(packed, row * width, width);
    if (index >= dictionary.length) throw bytes.refusal(`a row names text ${index} of ${dictionary.length}`);
    indexes[row] = index;
  }
  return (row) => dictionary[indexes[row] ?? 0] ?? '';
}

function readDictionary({ bytes, count }: ColumnSource, pool: TextPool, limit: number): readonly string[] {
  const size = bytes.varint();
  if (size > count) throw bytes.refusal(`${size} texts for ${count} rows`);
  return Array.from({ length: size }, () => pool.next(bytes, limit));
}

export function readIds(source: ColumnSource, pool: TextPool, form: IdForm): Column<string> {
  const { encoding, bytes, count } = source;
  switch (encoding) {
    case IDS_EMPTY:
      return () => '';
    case IDS_PACKED: {
      const packed = bytes.take(count * form.bytes);
      return (row) => unpackId(form, packed.subarray(row * form.bytes));
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
  for (const row of packedRows) ids[row] = unpackId(form, bytes.take(form.bytes));
  return (row) => ids[row] ?? '';
}
