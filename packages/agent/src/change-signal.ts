/** Tells everybody who waits that something is different now. What, they look up themselves. */
export class ChangeSignal {
  readonly #waiting = new Set<() => void>();
  #version = 0;

  /** Grows with every change. */
  get version(): number {
    return this.#version;
  }

  notify(): void {
    this.#version += 1;
    for (const wake of [...this.#waiting]) wake();
  }

  /** Resolves once there was a change after `version`, at once when there was one already, or when `signal` is aborted. */
  changed(version: number, signal: AbortSignal): Promise<void> {
    if (this.#version !== version || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}
