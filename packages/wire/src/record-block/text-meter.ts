import { TRUNCATION_MARK } from './layout.ts';

/** Counts the text a block will have to carry, so that its size is known while it grows. */
export class TextMeter {
  #units = 0;

  /** UTF-16 code units. */
  get units(): number {
    return this.#units;
  }

  grew(text: string): void {
    this.#units += text.length;
  }

  reset(): void {
    this.#units = 0;
  }
}

/** The beginning of `text` and the mark, `limit` UTF-16 code units at most; never half a surrogate pair. */
export function truncate(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const end = limit - TRUNCATION_MARK.length;
  const splitsPair = isHighSurrogate(text.charCodeAt(end - 1));
  return text.slice(0, splitsPair ? end - 1 : end) + TRUNCATION_MARK;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
