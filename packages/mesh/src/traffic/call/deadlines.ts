import type { Clock, Timer } from '@rampart/core';

export interface DeadlinesOptions {
  readonly clock: Pick<Clock, 'after'>;
  /** Milliseconds of a clock that only goes forward. */
  now(): number;
}

/**
 * Ends of the time that requests are given, nearly all of which are answered long before. There are few lengths of such time, and
 * one timer of the clock for each, however many requests are under way.
 */
export class Deadlines {
  readonly #options: DeadlinesOptions;
  readonly #lines = new Map<number, Line>();

  constructor(options: DeadlinesOptions) {
    this.#options = options;
  }

  /** Calls back once after `milliseconds`, which rules name; never keeps the process alive. */
  after(milliseconds: number, callback: () => void): Timer {
    let line = this.#lines.get(milliseconds);
    if (line === undefined) {
      line = new Line(milliseconds, this.#options);
      this.#lines.set(milliseconds, line);
    }
    return line.add(callback);
  }
}

class Deadline implements Timer {
  readonly at: number;
  readonly callback: () => void;
  before: Deadline | undefined;
  behind: Deadline | undefined;
  #line: Line | undefined;

  constructor(at: number, callback: () => void, line: Line) {
    this.at = at;
    this.callback = callback;
    this.#line = line;
  }

  cancel(): void {
    this.#line?.remove(this);
    this.#line = undefined;
  }
}

/** Deadlines of one length, which come in the order in which they were set. */
class Line {
  readonly #milliseconds: number;
  readonly #options: DeadlinesOptions;
  #first: Deadline | undefined;
  #last: Deadline | undefined;
  #isWaiting = false;

  constructor(milliseconds: number, options: DeadlinesOptions) {
    this.#milliseconds = milliseconds;
    this.#options = options;
  }

  add(callback: () => void): Deadline {
    const added = new Deadline(this.#options.now() + this.#milliseconds, callback, this);
    added.before = this.#last;
    if (this.#last === undefined) this.#first = added;
    else this.#last.behind = added;
    this.#last = added;
    this.#wait(this.#milliseconds);
    return added;
  }

  remove(deadline: Deadline): void {
    const { before, behind } = deadline;
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
    // One that has grown old would keep all that came behind it, and their requests, through every young collection.
    deadline.before = undefined;
    deadline.behind = undefined;
  }

  /** For the first one, or longer: it may be over by then, and the next one's turn is later. */
  #wait(milliseconds: number): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#options.clock.after(milliseconds, () => {
      this.#isWaiting = false;
      this.#come();
    });
  }

  #come(): void {
    const now = this.#options.now();
    try {
      for (let first = this.#first; first !== undefined && first.at <= now; first = this.#first) {
        first.cancel();
        first.callback();
      }
    } finally {
      if (this.#first !== undefined) this.#wait(Math.max(1, Math.ceil(this.#first.at - now)));
    }
  }
}
