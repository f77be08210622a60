/** Who wants to hear of what: everything, a namespace, or one service. */
export class Wakers {
  readonly #listeners = new Map<string, Set<(revision: number) => void>>();
  readonly #failed: (error: unknown) => void;

  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  /** Whether nobody listens to anything. */
  get isEmpty(): boolean {
    return this.#listeners.size === 0;
  }

  /** Returns how to end it. The same function may be added twice and each be ended. */
  add(key: string, listener: (revision: number) => void): () => void {
    const own = (revision: number): void => listener(revision);
    const known = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, known.add(own));
    return () => {
      known.delete(own);
      if (known.size === 0 && this.#listeners.get(key) === known) this.#listeners.delete(key);
    };
  }

  wake(key: string, revision: number): void {
    const known = this.#listeners.get(key);
    if (known === undefined) return;
    // Whoever begins meanwhile begins after this change.
    for (const listener of Array.from(known)) {
      try {
        listener(revision);
      } catch (error) {
        this.#failed(error);
      }
    }
  }
}
