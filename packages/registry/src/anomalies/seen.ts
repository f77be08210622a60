/** Values of one kind that were seen at a service: a bounded number, those seen longest ago forgotten first. */
export class Seen {
  readonly #most: number;
  readonly #values = new Set<string>();
  #newest: string | undefined;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#values.size;
  }

  /** Remembers it; false when it is known already. */
  add(value: string): boolean {
    if (value === this.#newest) return false;
    this.#newest = value;
    const isNew = !this.#values.delete(value);
    this.#values.add(value);
    const oldest = this.#values.values().next();
    if (this.#values.size > this.#most && oldest.done !== true) this.#values.delete(oldest.value);
    return isNew;
  }
}
