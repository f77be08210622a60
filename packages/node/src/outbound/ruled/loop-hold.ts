/** A day: it never fires for a purpose. */
const DAY_MS = 86_400_000;

/** Keeps the process alive while requests are under way that wait within it, for their turn or for their next try. */
export class LoopHold {
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  begin(): void {
    this.#count += 1;
    if (this.#count > 1) return;
    this.#timer ??= setInterval(() => undefined, DAY_MS);
    this.#timer.ref();
  }

  end(): void {
    this.#count -= 1;
    if (this.#count === 0) this.#timer?.unref();
  }
}
