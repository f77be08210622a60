/** A day: it never fires for a purpose. */
const DAY_MS = 86_400_000;

/** Keeps the process alive while requests are under way that wait within it, for their turn or for their next try. */
export class LoopHold {
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  begin(): void {
    this.#count += 1;
    this.#timer ??= setInterval(() => undefined, DAY_MS);
  }

  end(): void {
    this.#count -= 1;
    if (this.#count > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
