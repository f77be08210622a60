import { RCODE, type Rcode, TYPE } from './codes.ts';

/** The one question of a query. */
export interface Question {
  /** Lower-case labels without the root, one character for each byte. */
  readonly labels: readonly string[];
  readonly type: number;
  readonly class: number;
  /** As it came, to be sent back byte for byte. */
  readonly bytes: Uint8Array;
}

export interface Query {
  readonly id: number;
  readonly recursionDesired: boolean;
  readonly question: Question;
  /** Undefined when the asker knows no EDNS (RFC 6891). */
  readonly edns: Edns | undefined;
}

export interface Edns {
  /** Largest answer over UDP that the asker takes, bytes. */
  readonly udpSize: number;
}

/** What stands in a packet that is not a query that can be answered from knowledge. */
export interface BadQuery {
  readonly id: number;
  readonly opcode: number;
  readonly recursionDesired: boolean;
  readonly rcode: Rcode;
  /** Where the question could be read all the same. */
  readonly question: Question | undefined;
  readonly edns: Edns | undefined;
}

export type ParsedQuery =
  | { readonly kind: 'query'; readonly query: Query }
  | { readonly kind: 'bad'; readonly bad: BadQuery }
  /** Not even a header, or an answer: whoever answers that can be made to talk to itself. */
  | { readonly kind: 'noise' };

const HEADER_BYTES = 12;
const LONGEST_NAME = 255;
/** OPT, TSIG and the like: nobody needs more. */
const MOST_RECORDS = 16;

/**
 * Reads a query (RFC 1035 §4, RFC 6891). Nothing is followed: the only question is the first name of a message, to which no pointer
 * can lead, and of other names only the end is looked for. Work is bounded by the length of one name and a few records.
 */
export function parseQuery(bytes: Uint8Array): ParsedQuery {
  if (bytes.length < HEADER_BYTES) return { kind: 'noise' };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint16(2);
  if ((flags & 0x8000) !== 0) return { kind: 'noise' };
  const id = view.getUint16(0);
  const opcode = (flags >> 11) & 0xf;
  const recursionDesired = (flags & 0x0100) !== 0;
  const bad = (rcode: Rcode, question?: Question, edns?: Edns): ParsedQuery => ({
    kind: 'bad',
    bad: { id, opcode, recursionDesired, rcode, question, edns },
  });
  if (opcode !== 0) return bad(RCODE.NOTIMP);
  if (view.getUint16(4) !== 1) return bad(RCODE.FORMERR);
  const question = readQuestion(bytes, view);
  if (question === undefined) return bad(RCODE.FORMERR);
  const extra = readRecords(bytes, view, HEADER_BYTES + question.bytes.length);
  if (extra === undefined) return bad(RCODE.FORMERR, question);
  const { edns, version } = extra;
  if (version !== 0) return bad(RCODE.BADVERS, question, edns);
  return { kind: 'query', query: { id, recursionDesired, question, edns } };
}

function readQuestion(bytes: Uint8Array, view: DataView): Question | undefined {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (;;) {
    const length = bytes[at];
    // The two high bits make it a pointer or one of the forms that were given up (RFC 6891 §5).
    if (length === undefined || length > 63) return undefined;
    at += 1;
    if (length === 0) break;
    if (at + length - HEADER_BYTES > LONGEST_NAME - 1 || at + length > bytes.length) return undefined;
    labels.push(lowerCase(bytes, at, at + length));
    at += length;
  }
  if (at + 4 > bytes.length) return undefined;
  return {
    labels,
    type: view.getUint16(at),
    class: view.getUint16(at + 2),
    bytes: bytes.subarray(HEADER_BYTES, at + 4),
  };
}

/** A–Z alone are folded (RFC 4343). */
function lowerCase(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    text += String.fromCodePoint(byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte);
  }
  return text;
}

interface Extra {
  readonly edns: Edns | undefined;
  /** Of EDNS; 0 without. */
  readonly version: number;
}

/** Passes over the records behind the question and keeps what OPT says; undefined when they are malformed. */
function readRecords(bytes: Uint8Array, view: DataView, start: number): Extra | undefined {
  const [answers, authorities, additionals] = [view.getUint16(6), view.getUint16(8), view.getUint16(10)];
  const count = answers + authorities + additionals;
  if (count > MOST_RECORDS) return undefined;
  let extra: Extra | undefined;
  let at = start;
  for (let index = 0; index < count; index += 1) {
    const fixed = endOfName(bytes, at);
    if (fixed === undefined || fixed + 10 > bytes.length) return undefined;
    const end = fixed + 10 + view.getUint16(fixed + 8);
    if (end > bytes.length) return undefined;
    if (view.getUint16(fixed) === TYPE.OPT) {
      // One at most, owned by the root, among the additional records (RFC 6891 §6.1.1).
      if (extra !== undefined || fixed !== at + 1 || index < answers + authorities) return undefined;
      extra = { edns: { udpSize: view.getUint16(fixed + 2) }, version: bytes[fixed + 5] ?? 0 };
    }
    at = end;
  }
  if (at !== bytes.length) return undefined;
  return extra ?? { edns: undefined, version: 0 };
}

function endOfName(bytes: Uint8Array, start: number): number | undefined {
  let at = start;
  while (at - start < LONGEST_NAME) {
    const length = bytes[at];
    if (length === undefined) return undefined;
    if (length >= 0xc0) return at + 2;
    if (length > 63) return undefined;
    at += 1 + length;
    if (length === 0) return at;
  }
  return undefined;
}
