/** What a text may ask of its reader. */
export interface DocumentLimits {
  /** Size in UTF-8. */
  readonly bytes: number;
  /** Nesting of lists and objects. */
  readonly depth: number;
  /** Values in all documents together, with every alias counted as what it stands for. */
  readonly nodes: number;
  /** Words, marks and spaces in all documents together: what reading them costs. */
  readonly tokens: number;
  /** Documents in one text, empty ones too: each costs its reader a kilobyte. */
  readonly documents: number;
  /** Problems listed before the rest is only counted. */
  readonly problems: number;
}

export const DEFAULT_LIMITS: DocumentLimits = {
  bytes: 1_048_576,
  depth: 64,
  nodes: 150_000,
  tokens: 400_000,
  documents: 10_000,
  problems: 1000,
};

/** Length in UTF-8; lone surrogates count as the replacement character. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    // Each half of a surrogate pair stands for two of its four bytes.
    length += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return length;
}
