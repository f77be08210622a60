import type { HostEntry } from '../entries/host-entry.ts';
import type { X509Keeper } from '../svid/x509-keeper.ts';

/** The SVIDs that one stream listens for; they are kept fresh until it ends. */
export class Watched implements Disposable {
  readonly #keeper: X509Keeper;
  #releases: readonly (() => void)[] = [];

  constructor(keeper: X509Keeper) {
    this.#keeper = keeper;
  }

  only(entries: readonly HostEntry[]): void {
    const before = this.#releases;
    this.#releases = entries.map((entry) => this.#keeper.watch(entry));
    for (const release of before) release();
  }

  [Symbol.dispose](): void {
    this.only([]);
  }
}
