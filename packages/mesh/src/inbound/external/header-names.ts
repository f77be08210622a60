/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** RFC 9110 §5.5: visible characters, spaces and tabs, one byte each. */
const VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;

export function isHeaderName(name: string): boolean {
  return TOKEN.test(name);
}

export function isHeaderValue(value: string): boolean {
  return VALUE.test(value);
}

/** Header names of a provider's list, in any case: `name`, `prefix*` and `*suffix`. */
export class HeaderNames {
  readonly #exact = new Set<string>();
  readonly #prefixes: string[] = [];
  readonly #suffixes: string[] = [];
  readonly empty: boolean;

  constructor(patterns: readonly string[] | undefined, always: readonly string[] = []) {
    this.empty = patterns === undefined || patterns.length === 0;
    for (const name of always) this.#exact.add(name);
    for (const pattern of patterns ?? []) this.#add(pattern.toLowerCase());
  }

  /** `name` is in lower case. */
  has(name: string): boolean {
    return (
      this.#exact.has(name) ||
      this.#prefixes.some((prefix) => name.startsWith(prefix)) ||
      this.#suffixes.some((suffix) => name.endsWith(suffix))
    );
  }

  #add(pattern: string): void {
    if (pattern.startsWith('*')) this.#suffixes.push(pattern.slice(1));
    else if (pattern.endsWith('*')) this.#prefixes.push(pattern.slice(0, -1));
    else this.#exact.add(pattern);
  }
}
