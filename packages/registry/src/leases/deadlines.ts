import type { Clock, Timer } from '@rampart/core';

/** Times are milliseconds since the deadlines were begun: the engine keeps such small numbers in their places, and there may be very many. */
interface Deadline {
  readonly id: string;
  at: number;
  /** When it is looked at; may be earlier than the deadline, which may have been moved since. */
  looked: number;
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
  readonly #begun: number;
  readonly #due: (id: string) => void;
  readonly #deadlines = new Map<string, Deadline>();
  /** Binary heap, first what is looked at earliest; may hold some that mean nothing any more. */
  readonly #heap: Deadline[] = [];
  #timer: { readonly at: number; readonly timer: Timer } | undefined;
  #isCalling = false;

  constructor(clock: Clock, due: (id: string) => void) {
    this.#clock = clock;
    this.#begun = clock.now();
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
    const at = this.#now() + milliseconds;
    const known = this.#deadlines.get(id);
    if (known !== undefined && known.looked <= at) {
      known.at = at;
      return;
    }
    const deadline = { id, at, looked: at };
    this.#deadlines.set(id, deadline);
    this.#push(deadline);
    this.#arm();
  }

  delete(id: string): void {
    // An empty map is not cleared again: the engine would make a new one of it.
    if (this.#deadlines.delete(id) && this.#deadlines.size === 0) this.clear();
  }

  clear(): void {
    this.#deadlines.clear();
    this.#heap.length = 0;
    this.#timer?.timer.cancel();
    this.#timer = undefined;
  }

  #now(): number {
    return this.#clock.now() - this.#begun;
  }

  #arm(least = 0): void {
    const next = this.#heap[0];
    if (next === undefined || this.#isCalling) return;
    if (this.#timer !== undefined && this.#timer.at <= next.looked) return;
    this.#timer?.timer.cancel();
    const timer = this.#clock.after(Math.max(least, next.looked - this.#now()), () => this.#ring());
    this.#timer = { at: next.looked, timer };
  }

  #ring(): void {
    this.#timer = undefined;
    this.#isCalling = true;
    let looked = 0;
    try {
      const now = this.#now();
      for (let next = this.#heap[0]; next !== undefined && next.looked <= now; next = this.#heap[0]) {
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

  #look(deadline: Deadline, now: number): void {
    const { id } = deadline;
    if (this.#deadlines.get(id) !== deadline) return;
    if (deadline.at > now) {
      deadline.looked = deadline.at;
      this.#push(deadline);
      return;
    }
    this.#deadlines.delete(id);
    this.#due(id);
  }

  #push(deadline: Deadline): void {
    const heap = this.#heap;
    let index = heap.push(deadline) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.looked <= deadline.looked) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = deadline;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      const child = (heap[right]?.looked ?? Infinity) < (heap[left]?.looked ?? Infinity) ? right : left;
      const below = heap[child];
      if (below === undefined || below.looked >= last.looked) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = last;
  }
}
