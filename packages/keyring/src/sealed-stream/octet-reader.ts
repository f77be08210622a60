/** Reads a stream of bytes in pieces of the reader's choosing. */
export class OctetReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #held: Uint8Array[] = [];
  #octets = 0;
  #isOver = false;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next `count` bytes; fewer only where the stream ends. */
  async take(count: number): Promise<Uint8Array> {
    while (this.#octets < count && !this.#isOver) {
      const next = await this.#source.next();
      if (next.done === true) this.#isOver = true;
      else {
        this.#held.push(next.value);
        this.#octets += next.value.length;
      }
    }
    return this.#cut(Math.min(count, this.#octets));
  }

  #cut(count: number): Uint8Array {
    const [first = new Uint8Array()] = this.#held;
    // The usual case costs no copy.
    const all = first.length >= count ? first : Buffer.concat(this.#held);
    const rest = all.subarray(count);
    if (all === first) this.#held.shift();
    else this.#held = [];
    if (rest.length > 0) this.#held.unshift(rest);
    this.#octets -= count;
    return all.subarray(0, count);
  }
}
