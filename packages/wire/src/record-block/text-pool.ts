import type { ByteReader } from './byte-reader.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** All texts of a block, handed out in the order in which the columns name their lengths. */
export class TextPool {
  readonly #text: string;
  #at = 0;

  constructor(block: ByteReader) {
    const bytes = block.take(block.varint());
    try {
      this.#text = decoder.decode(bytes);
    } catch {
      throw block.refusal('its text is not UTF-8');
    }
  }

  /** The next text, whose length (UTF-16 code units) is read from `column`. */
  next(column: ByteReader, limit: number): string {
    const length = column.varint();
    if (length > limit) throw column.refusal(`a text is longer than ${limit} characters`);
    if (length > this.#text.length - this.#at) throw column.refusal('a text ends after the end of all texts');
    const text = this.#text.slice(this.#at, this.#at + length);
    this.#at += length;
    return text;
  }

  get exhausted(): boolean {
    return this.#at === this.#text.length;
  }
}
