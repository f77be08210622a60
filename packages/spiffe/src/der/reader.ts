import { fail, ok, type Result } from '@rampart/core';

/** Deeper than any certificate or CSR nests; bounds the work that hostile nesting can cause. */
const MAX_DEPTH = 24;

/** Three length octets: 16 MiB, far above every size limit in this package. */
const MAX_LENGTH_OCTETS = 3;

/** Why bytes are not the DER that was expected. Never leaves this package: `decodeDer` turns it into a Result. */
export class DerProblem extends Error {
  override readonly name = 'DerProblem';
}

/** One element: its identifier octet and its content, a view. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
}

interface Extent {
  readonly start: number;
  readonly contentStart: number;
  readonly contentEnd: number;
}

/**
 * Strict cursor over DER (X.690 §10): definite and minimal lengths only, single-octet tags only, every
 * element inside its parent, bounded depth. Reading methods throw `DerProblem`; use it through `decodeDer`.
 */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #end: number;
  readonly #depth: number;
  #at: number;

  private constructor(bytes: Uint8Array, { start, contentStart, contentEnd }: Extent, depth: number) {
    this.#bytes = bytes;
    this.#start = start;
    this.#at = contentStart;
    this.#end = contentEnd;
    this.#depth = depth;
  }

  static over(bytes: Uint8Array): DerReader {
    return new DerReader(bytes, { start: 0, contentStart: 0, contentEnd: bytes.length }, 0);
  }

  /** The whole encoding, identifier and length included, of the element this reader is inside. */
  get encoded(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  /** What is left of that element's content. */
  get content(): Uint8Array {
    return this.#bytes.subarray(this.#at, this.#end);
  }

  get done(): boolean {
    return this.#at === this.#end;
  }

  /** The identifier octet of the next element, or undefined at the end. */
  peek(): number | undefined {
    return this.done ? undefined : this.#bytes[this.#at];
  }

  /** The next element, whatever its tag. */
  any(what: string): DerElement {
    const { start, contentStart, contentEnd } = this.#extent(what);
    this.#at = contentEnd;
    return { tag: this.#bytes[start] ?? 0, content: this.#bytes.subarray(contentStart, contentEnd) };
  }

  /** The next element, which must carry `tag`. */
  element(tag: number, what: string): DerElement {
    this.#expect(tag, what);
    return this.any(what);
  }

  /** What `decode` makes of the content of the next element, which must carry `tag`; for what needs no view of it. */
  read<T>(tag: number, what: string, decode: (bytes: Uint8Array, start: number, end: number) => T): T {
    this.#expect(tag, what);
    const { contentStart, contentEnd } = this.#extent(what);
    this.#at = contentEnd;
    return decode(this.#bytes, contentStart, contentEnd);
  }

  /** Moves past the next element, whatever its tag. */
  skip(what: string): void {
    this.#at = this.#extent(what).contentEnd;
  }

  /** A reader over the content of the next element, which must carry `tag`; this reader moves past it. */
  enter(tag: number, what: string): DerReader {
    this.#expect(tag, what);
    const extent = this.#extent(what);
    if (this.#depth >= MAX_DEPTH) throw this.#problem(`${what} is nested deeper than ${MAX_DEPTH} levels`);
    this.#at = extent.contentEnd;
    return new DerReader(this.#bytes, extent, this.#depth + 1);
  }

  /** Like `enter`, when the next element carries `tag`; otherwise undefined and nothing is consumed. */
  enterOptional(tag: number, what: string): DerReader | undefined {
    return this.peek() === tag ? this.enter(tag, what) : undefined;
  }

  /** Refuses whatever is left. */
  end(what: string): void {
    if (!this.done) throw this.#problem(`${what} has ${this.#end - this.#at} unexpected trailing bytes`);
  }

  #expect(tag: number, what: string): void {
    const found = this.peek();
    if (found === tag) return;
    const seen = found === undefined ? 'the end' : `tag ${hex(found)}`;
    throw this.#problem(`${what} should have tag ${hex(tag)}, found ${seen}`);
  }

  #extent(what: string): Extent {
    const start = this.#at;
    const tag = this.#octet(start, what);
    if ((tag & 0x1f) === 0x1f) throw this.#problem(`${what} has a multi-byte tag`);
    const first = this.#octet(start + 1, what);
    const octets = first < 0x80 ? 0 : first & 0x7f;
    const length = octets === 0 && first < 0x80 ? first : this.#longLength(start + 2, octets, what);
    const contentStart = start + 2 + octets;
    const contentEnd = contentStart + length;
    if (contentEnd > this.#end) throw this.#problem(`${what} runs past the end of what holds it`);
    return { start, contentStart, contentEnd };
  }

  #longLength(at: number, octets: number, what: string): number {
    if (octets === 0) throw this.#problem(`${what} has an indefinite length`);
    if (octets > MAX_LENGTH_OCTETS) throw this.#problem(`${what} has a length of more than ${MAX_LENGTH_OCTETS} bytes`);
    let length = 0;
    for (let index = 0; index < octets; index += 1) length = length * 256 + this.#octet(at + index, what);
    const smallest = octets === 1 ? 0x80 : 256 ** (octets - 1);
    if (length < smallest) throw this.#problem(`${what} has a length that is not minimal`);
    return length;
  }

  #octet(at: number, what: string): number {
    const octet = at < this.#end ? this.#bytes[at] : undefined;
    if (octet === undefined) throw this.#problem(`${what} is cut off`);
    return octet;
  }

  #problem(message: string): DerProblem {
    return new DerProblem(`${message} (at byte ${this.#at})`);
  }
}

/**
 * Runs `read` over the whole of `bytes`. Anything that is not the expected DER, trailing bytes included,
 * comes back as a problem; hostile bytes never make it throw.
 */
export function decodeDer<T>(bytes: Uint8Array, read: (reader: DerReader) => T): Result<T, string> {
  try {
    const reader = DerReader.over(bytes);
    const value = read(reader);
    reader.end('the encoding');
    return ok(value);
  } catch (error) {
    if (error instanceof DerProblem) return fail(error.message);
    throw error;
  }
}

function hex(octet: number): string {
  return `0x${octet.toString(16).padStart(2, '0')}`;
}
