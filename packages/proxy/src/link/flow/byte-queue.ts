/** Pieces shorter than this are copied together: a queue of single bytes would cost a hundred times its bytes. */
const WORTH_KEEPING = 4096;
const SMALLEST_TAIL = 512;
const LARGEST_TAIL = 16 * 1024;

/** Bytes in order that wait. Holds memory of at most about twice its length, however small or large its pieces came. */
export class ByteQueue {
  readonly #pieces: Buffer[] = [];
  /** Where the last piece ends in memory of the queue's own, with room behind it. */
  #tail: Buffer | undefined;
  #tailEnd = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(piece: Uint8Array): void {
    this.#length += piece.length;
    if (piece.length < WORTH_KEEPING) this.#append(piece);
    else this.#keep(piece);
  }

  /** The next bytes, at most `longest`; undefined when there are none. */
  shift(longest: number): Buffer | undefined {
    const first = this.#pieces[0];
    if (first === undefined) return undefined;
    if (first.length > longest) {
      this.#pieces[0] = first.subarray(longest);
      this.#length -= longest;
      return first.subarray(0, longest);
    }
    this.#pieces.shift();
    if (this.#pieces.length === 0) this.#tail = undefined;
    this.#length -= first.length;
    return first;
  }

  /** Moves the next `length` bytes into `target`; there must be as many. */
  moveTo(target: Buffer, at: number, length: number): void {
    for (let moved = 0; moved < length;) {
      const piece = this.shift(length - moved);
      if (piece === undefined) return;
      target.set(piece, at + moved);
      moved += piece.length;
    }
  }

  clear(): void {
    this.#pieces.length = 0;
    this.#tail = undefined;
    this.#length = 0;
  }

  /** A piece that is a small part of what it lies in is copied out of it: it would keep all of it in memory. */
  #keep(piece: Uint8Array): void {
    this.#tail = undefined;
    if (piece.length * 2 >= piece.buffer.byteLength) {
      this.#pieces.push(Buffer.from(piece.buffer, piece.byteOffset, piece.length));
      return;
    }
    const own = Buffer.allocUnsafeSlow(piece.length);
    own.set(piece, 0);
    this.#pieces.push(own);
  }

  #append(piece: Uint8Array): void {
    const tail = this.#tail;
    const last = this.#pieces.at(-1);
    if (tail === undefined || last === undefined || tail.length - this.#tailEnd < piece.length) {
      const size = Math.min(LARGEST_TAIL, Math.max(SMALLEST_TAIL, piece.length * 2, (tail?.length ?? 0) * 2));
      const own = Buffer.allocUnsafeSlow(size);
      own.set(piece, 0);
      this.#tail = own;
      this.#tailEnd = piece.length;
      this.#pieces.push(own.subarray(0, piece.length));
      return;
    }
    tail.set(piece, this.#tailEnd);
    this.#tailEnd += piece.length;
    this.#pieces[this.#pieces.length - 1] = tail.subarray(this.#tailEnd - piece.length - last.length, this.#tailEnd);
  }
}
