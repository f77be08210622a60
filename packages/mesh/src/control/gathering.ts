/** Things that are asked for one by one, and served together: one serving at a time, in the order in which they came. */
export class Gathering<Item> {
  readonly #most: number;
  readonly #serve: (batch: readonly Item[]) => Promise<void>;
  readonly #waiting = new Set<Item>();
  #isBusy = false;

  /** `serve` gets at most `most` of them, and never rejects: what becomes of them is for it to say. */
  constructor(most: number, serve: (batch: readonly Item[]) => Promise<void>) {
    this.#most = most;
    this.#serve = serve;
  }

  /** One that waits already waits once. */
  add(item: Item): void {
    this.#waiting.add(item);
    if (this.#isBusy || this.#waiting.size > 1) return;
    // What else is asked for in this turn of the event loop goes with it.
    queueMicrotask(() => void this.#serveAll());
  }

  async #serveAll(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting.values().take(this.#most)];
      for (const item of batch) this.#waiting.delete(item);
      await this.#serve(batch);
    }
    this.#isBusy = false;
  }
}
