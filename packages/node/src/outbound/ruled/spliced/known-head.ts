import { readAnswerHead } from './answer-head.ts';
import type { AnswerHead } from './answer-head.ts';

/** Heads up to here are compared with the one before. */
const MOST_KNOWN = 4096;

/** The head that came last on a connection, in the form that it was read in: the next one often says the same. */
export class KnownHead {
  #head: AnswerHead | undefined;
  /** Kept once it has come twice. */
  #bytes: Buffer | undefined;

  /** The head that these bytes begin with, where they repeat the one before. */
  again(bytes: Buffer, method: string): AnswerHead | undefined {
    const known = this.#bytes;
    if (known === undefined || known.length > bytes.length || method === 'HEAD') return undefined;
    return bytes.compare(known, 0, known.length, 0, known.length) === 0 ? this.#head : undefined;
  }

  /** Reads the head that these bytes begin with, up to the end of its empty line; undefined for what `readAnswerHead` does not take. */
  read(bytes: Buffer, end: number, method: string): AnswerHead | undefined {
    const text = bytes.toString('latin1', 0, end);
    // Where its body ends is another question after HEAD.
    if (method === 'HEAD' || text.length > MOST_KNOWN) return readAnswerHead(text, method);
    const known = this.#head;
    if (known?.text === text) {
      this.#bytes ??= Buffer.from(bytes.subarray(0, end));
      return known;
    }
    this.#bytes = undefined;
    this.#head = readAnswerHead(text, method);
    return this.#head;
  }
}
