/** What a stream waits for: that there may be news, or that it is time for a bookmark. */
export class Bell {
  #heard: ((isTime: boolean) => void) | undefined;

  /** True when it is time, false when there may be news. */
  rung(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#heard = resolve;
    });
  }

  /** Nobody hears it who does not wait: whoever is about to wait looks for news first. */
  ring(isTime: boolean): void {
    this.#heard?.(isTime);
    this.#heard = undefined;
  }
}
