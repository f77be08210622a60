import type { Clock } from '@rampart/core';

/** What all windows of a session may have grown by, together. */
export class WindowPool {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  get left(): number {
    return this.#left;
  }

  /** One window takes at most half of what is left, so that there is something for the next. */
  take(bytes: number): boolean {
    if (bytes * 2 > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.#left += bytes;
  }
}

export interface WindowSettings {
  readonly clock: Clock;
  readonly pool: WindowPool;
  readonly initial: number;
  readonly largest: number;
  /** Milliseconds that a byte needs there and back. */
  roundTrip(): number;
}

/** A reader that took longer than this for half a window has no use for a large one. */
const SLOW_MS = 1000;

/**
 * Credit that one stream gives to the other side. It comes back in gathered updates of half a window, and a window whose
 * half was used up within two round trips is doubled: it, not the reader, was what held the stream back.
 */
export class ReceiveWindow {
  readonly #settings: WindowSettings;
  #size: number;
  #granted: number;
  #consumed = 0;
  #updatedAt: number;

  constructor(settings: WindowSettings) {
    this.#settings = settings;
    this.#size = settings.initial;
    this.#granted = settings.initial;
    this.#updatedAt = settings.clock.now();
  }

  get size(): number {
    return this.#size;
  }

  /** Bytes have come. False when there was no credit for them. */
  arrives(bytes: number): boolean {
    this.#granted -= bytes;
    return this.#granted >= 0;
  }

  /** The reader took bytes. Returns the credit to announce, 0 for none yet. */
  consumes(bytes: number): number {
    this.#consumed += bytes;
    if (this.#consumed * 2 < this.#size) return 0;
    const now = this.#settings.clock.now();
    const credit = this.#consumed + this.#resize(now - this.#updatedAt);
    this.#updatedAt = now;
    this.#consumed = 0;
    this.#granted += credit;
    return credit;
  }

  /** The stream is over and its bytes are gone. */
  release(): void {
    this.#settings.pool.give(this.#size - this.#settings.initial);
    this.#size = this.#settings.initial;
  }

  /** By how many bytes the window grows, or shrinks, after half of it was used up in so many milliseconds. */
  #resize(elapsed: number): number {
    const { pool, initial, largest } = this.#settings;
    const size = this.#size;
    if (elapsed <= 2 * this.#settings.roundTrip() && size * 2 <= largest && pool.take(size)) {
      this.#size = size * 2;
      return size;
    }
    if (elapsed > SLOW_MS && size > initial) {
      this.#size = size / 2;
      pool.give(size / 2);
      return -size / 2;
    }
    return 0;
  }
}
