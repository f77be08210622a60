import type { Clock, Timer } from '@rampart/core';

interface FakeTimer {
  readonly at: number;
  readonly callback: () => void;
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now: number;
  /** In the order in which they were set. */
  readonly #timers = new Set<FakeTimer>();

  /** `now`: Unix milliseconds. */
  constructor(now: number = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, callback: () => void): Timer {
    const timer = { at: this.#now + Math.max(0, milliseconds), callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Timers that are set and have not fired. */
  get pending(): number {
    return this.#timers.size;
  }

  /**
   * Moves time, calling back every timer that is due, in order of time, each at its own time. Between timers, and at the
   * end, everything that waits for a promise or for the event loop gets its turn, and may set timers that are due too.
   */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await turn();
    for (let due = this.#next(end); due !== undefined; due = this.#next(end)) {
      this.#timers.delete(due);
      this.#now = due.at;
      due.callback();
      await turn();
    }
    this.#now = end;
  }

  #next(end: number): FakeTimer | undefined {
    let next: FakeTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= end && (next === undefined || timer.at < next.at)) next = timer;
    }
    return next;
  }
}

/** One turn of the event loop, microtasks included. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** A clock that somebody sets: timers go on as if nothing had happened. */
export class SettableClock extends FakeClock {
  #offset = 0;

  override now(): number {
    return super.now() + this.#offset;
  }

  /** Milliseconds to go ahead, or back. */
  set(milliseconds: number): void {
    this.#offset += milliseconds;
  }
}
