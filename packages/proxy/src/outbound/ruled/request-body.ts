import type { Portion } from '../../http1/message-reader.ts';

/** Up to here a request's body is kept, so that it can be sent again, or to somewhere else as well. */
export const MOST_KEPT = 65_536;

const NOTHING: readonly Buffer[] = [];
const NO_TRAILERS: readonly string[] = [];

/** What came of a request's body, kept while it may be needed again and is not too much. */
export class RequestBody {
  #parts: Buffer[] | undefined = [];
  #bytes = 0;
  #wasSent = false;
  #isComplete = false;
  #trailers: readonly string[] = NO_TRAILERS;

  /** All that came is here. */
  get isKept(): boolean {
    return this.#parts !== undefined;
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Returns what it is given. */
  add(portion: Portion): Portion {
    for (const part of portion.body) this.#bytes += part.length;
    // What nobody has been sent yet is kept, however much it is: its caller is asked to wait.
    if (this.#bytes > MOST_KEPT && this.#wasSent) this.#parts = undefined;
    else this.#parts?.push(...portion.body);
    this.#isComplete = portion.isLast;
    if (portion.isLast) this.#trailers = portion.trailers;
    return portion;
  }

  /** From its beginning, as far as it came. */
  all(): Portion {
    return { body: this.#parts ?? NOTHING, isLast: this.#isComplete, trailers: this.#trailers };
  }

  /** The same, for the one that is to answer: what is too much is not kept from then on. */
  sent(): Portion {
    const portion = this.all();
    this.#wasSent = true;
    if (this.#bytes > MOST_KEPT) this.#parts = undefined;
    return portion;
  }

  /** It is not needed again. */
  forget(): void {
    this.#parts = undefined;
  }
}
