const MOST_LENGTHS = 32;

/** Names of headers, found in the text of a message without taking it apart. */
export class HeaderNames {
  readonly #names: ReadonlySet<string>;
  /** A bit for each length that a name has, modulo 32: most names of messages are none of these by that alone. */
  readonly #lengths: number;

  /** `names` in lower case. */
  constructor(names: Iterable<string>) {
    this.#names = new Set(names);
    let lengths = 0;
    for (const { length } of this.#names) lengths |= 1 << (length % MOST_LENGTHS);
    this.#lengths = lengths;
  }

  /** The name in lower case that stands from `from` to before `to`; undefined where it is none of these. */
  at(text: string, from: number, to: number): string | undefined {
    if (((this.#lengths >>> ((to - from) % MOST_LENGTHS)) & 1) === 0) return undefined;
    const name = text.slice(from, to).toLowerCase();
    return this.#names.has(name) ? name : undefined;
  }

  /** Whether a name, in lower case, is one of them. */
  has(name: string): boolean {
    return this.#names.has(name);
  }
}
