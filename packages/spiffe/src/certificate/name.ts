import { DerProblem, type DerReader } from '../der/reader.ts';
import { TAG } from '../der/tag.ts';

/** A distinguished name (RFC 5280 §4.1.2.4), checked in form and kept as bytes. */
export interface DistinguishedName {
  readonly encoded: Uint8Array;
  readonly isEmpty: boolean;
}

export function readName(fields: DerReader, what: string): DistinguishedName {
  const name = fields.enter(TAG.sequence, what);
  const isEmpty = name.done;
  while (!name.done) readRelativeName(name.enter(TAG.set, what), what);
  return { encoded: name.encoded, isEmpty };
}

function readRelativeName(relative: DerReader, what: string): void {
  if (relative.done) throw new DerProblem(`${what} has an empty part`);
  while (!relative.done) {
    const attribute = relative.enter(TAG.sequence, what);
    attribute.element(TAG.oid, what);
    attribute.skip(what);
    attribute.end(what);
  }
}
