import type { Clock, Timer } from '@rampart/core';
import { createSystemClock } from '../clock.ts';

interface PendingTimer {
  at: number;
  readonly callback: () => void;
}

/** Starts at the time of this machine, because TLS clients judge certificates by it, and stands still until it is moved. */
export class ManualClock implements Clock {
  #now = createSystemClock().now();
  readonly #timers = new Set<PendingTimer>();

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, callback: () => void): Timer {
    const timer = { at: this.#now + milliseconds, callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Fires what falls due on the way, in order. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (let next = this.#due(end); next !== undefined; next = this.#due(end)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = end;
  }

  /** As when somebody sets the clock of a machine: timers go on as if nothing had happened. */
  jump(milliseconds: number): void {
    this.#now += milliseconds;
    const pending = [...this.#timers];
    this.#timers.clear();
    for (const timer of pending) {
      timer.at += milliseconds;
      this.#timers.add(timer);
    }
  }

  #due(end: number): PendingTimer | undefined {
    return [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
  }
}
