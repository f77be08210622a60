import { BoundedCache, compileGlob } from '@rampart/core';

/** Keys of metadata whose values are secrets, where nobody wrote down which are; without regard to case, `*` for anything. */
export const DEFAULT_SENSITIVE: readonly string[] = [
  '*password*',
  '*passwd*',
  '*token*',
  '*secret*',
  '*credential*',
  '*internal-url*',
  '*internal_url*',
];

/** What stands in a record in place of such a value. */
const SEALED = '[sealed]';

const KEPT_ANSWERS = 10_000;

type Texts = Readonly<Record<string, string>>;

interface Described {
  readonly metadata: Texts;
}

/** Which keys of metadata are sensitive. */
export class SensitiveKeys {
  readonly #matchers: readonly ((text: string) => boolean)[];
  readonly #answers = new BoundedCache<string, boolean>(KEPT_ANSWERS);
  /** Lists that were looked through: whoever asks again gets the same one until something changes. */
  readonly #lists = new WeakMap<readonly Described[], boolean>();

  constructor(patterns: readonly string[] = DEFAULT_SENSITIVE) {
    this.#matchers = patterns.map((pattern) => compileGlob(pattern.toLowerCase()));
  }

  has(key: string): boolean {
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const text = key.toLowerCase();
    const answer = this.#matchers.some((matches) => matches(text));
    this.#answers.set(key, answer);
    return answer;
  }

  /** Whether any of these is. */
  hasAny(texts: Texts): boolean {
    for (const key in texts) if (this.has(key)) return true;
    return false;
  }

  /** Whether any instance of a list that nobody changes has one. */
  areIn(instances: readonly Described[]): boolean {
    const known = this.#lists.get(instances);
    if (known !== undefined) return known;
    const answer = instances.some(({ metadata }) => this.hasAny(metadata));
    this.#lists.set(instances, answer);
    return answer;
  }

  /** The sensitive ones, and the others. */
  split(texts: Texts): { readonly sensitive: Texts; readonly open: Texts } {
    const entries = Object.entries(texts);
    return {
      sensitive: Object.fromEntries(entries.filter(([key]) => this.has(key))),
      open: Object.fromEntries(entries.filter(([key]) => !this.has(key))),
    };
  }

  /** What a record may say: the values of sensitive ones are left out. */
  forRecord(texts: Texts): Texts {
    if (!this.hasAny(texts)) return texts;
    return Object.fromEntries(Object.entries(texts).map(([key, value]) => [key, this.has(key) ? SEALED : value]));
  }
}
