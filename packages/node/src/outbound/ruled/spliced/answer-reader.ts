import type { AnswerHead } from './answer-head.ts';
import { ChunkedEnd } from './chunked-end.ts';
import { KnownHead } from './known-head.ts';

const MOST_HEAD_BYTES = 262_144;
const END_OF_HEAD = Buffer.from('\r\n\r\n');
const END_BYTES = 4;
const SWITCHING = 101;
const FIRST_FINAL = 200;
const EMPTY: Buffer = Buffer.alloc(0);

/** Is told what comes. */
export interface AnswerListener {
  /** `body` is what of it came with the head, and `isWhole` whether that is all. */
  head(head: AnswerHead, body: Buffer, isWhole: boolean): void;
  body(part: Buffer, isWhole: boolean): void;
}

/** "unreadable": this is no answer, or not one of HTTP/1.1; "beyond": there is more than belongs to it. */
export type ReadingState = 'reading' | 'whole' | 'beyond' | 'unreadable';

/** Reads one answer off a connection, and knows where it ends. */
export class AnswerReader {
  readonly #method: string;
  readonly #listener: AnswerListener;
  readonly #known: KnownHead;
  #early: Buffer = EMPTY;
  #left = 0;
  #chunks: ChunkedEnd | undefined;
  head: AnswerHead | undefined;

  /** `known` is of the connection that answers come on. */
  constructor(method: string, listener: AnswerListener, known: KnownHead = new KnownHead()) {
    this.#method = method;
    this.#listener = listener;
    this.#known = known;
  }

  /** Bytes of a head that is not complete. */
  get hasBegun(): boolean {
    return this.head !== undefined || this.#early.length > 0;
  }

  take(bytes: Buffer): ReadingState {
    const { head } = this;
    if (head !== undefined) return this.#more(head, bytes);
    const again = this.#early.length === 0 ? this.#known.again(bytes, this.#method) : undefined;
    if (again !== undefined) return this.#begin(again, bytes.subarray(again.text.length));
    const all = this.#early.length === 0 ? bytes : Buffer.concat([this.#early, bytes]);
    const end = all.indexOf(END_OF_HEAD);
    if (end === -1 || end > MOST_HEAD_BYTES) {
      this.#early = all;
      return all.length > MOST_HEAD_BYTES ? 'unreadable' : 'reading';
    }
    this.#early = EMPTY;
    const bodyAt = end + END_BYTES;
    const read = this.#known.read(all, bodyAt, this.#method);
    if (read === undefined || read.status === SWITCHING) return 'unreadable';
    // What is said in between is for whoever asked for it: nobody has.
    if (read.status < FIRST_FINAL) return bodyAt === all.length ? 'reading' : this.take(all.subarray(bodyAt));
    return this.#begin(read, all.subarray(bodyAt));
  }

  #begin(read: AnswerHead, rest: Buffer): ReadingState {
    this.head = read;
    if (read.end.by === 'length') this.#left = read.end.bytes;
    else if (read.end.by === 'chunks') this.#chunks = new ChunkedEnd();
    const { taken, state } = this.#measure(read, rest);
    if (state !== 'unreadable')
      this.#listener.head(read, taken === rest.length ? rest : rest.subarray(0, taken), state !== 'reading');
    return state;
  }

  #more(head: AnswerHead, bytes: Buffer): ReadingState {
    const { taken, state } = this.#measure(head, bytes);
    if (state !== 'unreadable')
      this.#listener.body(taken === bytes.length ? bytes : bytes.subarray(0, taken), state !== 'reading');
    return state;
  }

  #measure({ end }: AnswerHead, bytes: Buffer): { readonly taken: number; readonly state: ReadingState } {
    if (end.by === 'close') return { taken: bytes.length, state: 'reading' };
    const chunks = this.#chunks;
    const taken = chunks === undefined ? Math.min(this.#left, bytes.length) : chunks.take(bytes);
    if (taken === undefined) return { taken: 0, state: 'unreadable' };
    this.#left -= taken;
    const isWhole = chunks === undefined ? this.#left === 0 : chunks.isOver;
    if (!isWhole) return { taken, state: 'reading' };
    return { taken, state: taken === bytes.length ? 'whole' : 'beyond' };
  }
}
