import { decodeOid } from './oid.ts';
import { DerProblem, type DerReader } from './reader.ts';
import { TAG } from './tag.ts';

/** BOOLEAN: DER allows 0x00 and 0xff only (X.690 §11.1). */
export function readBoolean(reader: DerReader, what: string): boolean {
  const octet = reader.read(TAG.boolean, what, onlyOctet);
  if (octet !== 0x00 && octet !== 0xff) throw new DerProblem(`${what} is not a DER BOOLEAN`);
  return octet === 0xff;
}

function onlyOctet(bytes: Uint8Array, start: number, end: number): number | undefined {
  return end - start === 1 ? bytes[start] : undefined;
}

/** INTEGER as its two's-complement octets, minimal (X.690 §8.3.2). */
export function readInteger(reader: DerReader, what: string): Uint8Array {
  const { content } = reader.element(TAG.integer, what);
  const [first, second] = content;
  if (first === undefined) throw new DerProblem(`${what} is an empty INTEGER`);
  const padded = second !== undefined && ((first === 0x00 && second < 0x80) || (first === 0xff && second >= 0x80));
  if (padded) throw new DerProblem(`${what} is not minimal`);
  return content;
}

/** INTEGER between 0 and 127: versions and path lengths. */
export function readSmallInteger(reader: DerReader, what: string): number {
  const content = readInteger(reader, what);
  const value = content[0];
  if (content.length !== 1 || value === undefined || value > 0x7f) throw new DerProblem(`${what} is out of range`);
  return value;
}

/** OBJECT IDENTIFIER as dotted text. */
export function readOid(reader: DerReader, what: string): string {
  const text = reader.read(TAG.oid, what, decodeOid);
  if (text === undefined) throw new DerProblem(`${what} is not a DER OBJECT IDENTIFIER`);
  return text;
}

/** BIT STRING of whole octets: keys and signatures. */
export function readOctetAlignedBits(reader: DerReader, what: string): Uint8Array {
  const { content } = reader.element(TAG.bitString, what);
  if (content[0] !== 0) throw new DerProblem(`${what} is not a BIT STRING of whole bytes`);
  return content.subarray(1);
}

/** Named bits (X.690 §11.2.2: no trailing zero bits) as the positions that are set. */
export function readNamedBits(reader: DerReader, what: string): ReadonlySet<number> {
  const { content } = reader.element(TAG.bitString, what);
  const unused = content[0];
  const last = content.at(-1);
  if (unused === undefined || last === undefined || unused > 7) throw new DerProblem(`${what} is not a BIT STRING`);
  const minimal = content.length === 1 ? unused === 0 : (last >> unused) % 2 === 1 && last % 2 ** unused === 0;
  if (!minimal) throw new DerProblem(`${what} is not a DER list of named bits`);
  const positions = new Set<number>();
  for (let position = 0; position < (content.length - 1) * 8; position += 1) {
    const octet = content[1 + Math.floor(position / 8)] ?? 0;
    if ((octet & (0x80 >> (position % 8))) !== 0) positions.add(position);
  }
  return positions;
}
