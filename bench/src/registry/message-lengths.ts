const PREFIX_BYTES = 5;

/** The lengths of gRPC's messages in a stream that comes in pieces: several may be in one, and one in several. */
export class MessageLengths {
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #read = 0;
  /** Bytes of the present message that have not come yet. */
  #left = 0;

  /** Of the messages that begin in this piece, or whose prefix ends there. */
  of(chunk: Buffer): readonly number[] {
    const lengths: number[] = [];
    for (let at = 0; at < chunk.length;) {
      if (this.#left > 0) {
        const skipped = Math.min(this.#left, chunk.length - at);
        at += skipped;
        this.#left -= skipped;
        continue;
      }
      at += chunk.copy(this.#prefix, this.#read, at, at + 1);
      this.#read += 1;
      if (this.#read < PREFIX_BYTES) continue;
      this.#read = 0;
      this.#left = this.#prefix.readUInt32BE(1);
      lengths.push(this.#left);
    }
    return lengths;
  }
}
