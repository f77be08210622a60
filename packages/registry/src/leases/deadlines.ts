import type { Clock, Timer } from '@rampart/core';

interface Entry {
  readonly id: string;
  /** When it is looked at; may be earlier than the deadline, which may have been moved since. */
  readonly at: number;
}

/** When more are due, whoever else wants the loop comes in between: after a restart, every lease may end in the same moment. */
const MOST_AT_ONCE = 256;
const PAUSE_MS = 20;

/**
 * Many deadlines on one timer. Setting one later than it was costs nothing but a map entry: it is looked at when its old
 * time comes.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #due: (id: string) => void;
  /** By id: when, and when it is looked at next. */
  readonly #deadlines = new Map<string, { at: number; looked: number }>();
  /** Binary heap, earliest first; may hold entries that mean nothing any more. */
  readonly #heap: Entry[] = [];
  #timer: { readonly at: number; readonly timer: Timer } | undefined;
  #isCalling = false;

  constructor(clock: Clock, due: (id: string) => void) {
    this.#clock = clock;
    this.#due = due;
  }

  get size(): number {
    return this.#deadlines.size;
  }

  has(id: string): boolean {
    return this.#deadlines.has(id);
  }

  /** Calls back once, `milliseconds` from now; replaces what was set for the id. */
  set(id: string, milliseconds: number): void {
    const at = this.#clock.now() + milliseconds;
    const known = this.#deadlines.get(id);
    if (known !== undefined && known.looked <= at) {
      known.at = at;
      return;
    }
    this.#deadlines.set(id, { at, looked: at });
    this.#push({ id, at });
    this.#arm();
  }

  delete(id: string): void {
    this.#deadlines.delete(id);
    if (this.#deadlines.size === 0) this.clear();
  }

  clear(): void {
    this.#deadlines.clear();
    this.#heap.length = 0;
    this.#timer?.timer.cancel();
    this.#timer = undefined;
  }

  #arm(least = 0): void {
    const next = this.#heap[0];
    if (next === undefined || this.#isCalling) return;
    if (this.#timer !== undefined && this.#timer.at <= next.at) return;
    this.#timer?.timer.cancel();
    const timer = this.#clock.after(Math.max(least, next.at - this.#clock.now()), () => this.#ring());
    this.#timer = { at: next.at, timer };
  }

  #ring(): void {
    this.#timer = undefined;
    this.#isCalling = true;
    let looked = 0;
    try {
      const now = this.#clock.now();
      for (let next = this.#heap[0]; next !== undefined && next.at <= now; next = this.#heap[0]) {
        if (looked === MOST_AT_ONCE) break;
        looked += 1;
        this.#pop();
        this.#look(next, now);
      }
    } finally {
      this.#isCalling = false;
      this.#arm(looked === MOST_AT_ONCE ? PAUSE_MS : 0);
    }
  }

  #look({ id, at }: Entry, now: number): void {
    const deadline = this.#deadlines.get(id);
    if (deadline === undefined || deadline.looked !== at) return;
    if (deadline.at > now) {
      deadline.looked = deadline.at;
      this.#push({ id, at: deadline.at });
      return;
    }
    this.#deadlines.delete(id);
    this.#due(id);
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.at <= entry.at) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      const child = (heap[right]?.at ?? Infinity) < (heap[left]?.at ?? Infinity) ? right : left;
      const below = heap[child];
      if (below === undefined || below.at >= last.at) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = last;
  }
}
