/** Under load memory is soon needed again. */
const LONGEST_MS = 15_000;
/** Less of the time than this, and nothing would be slowed down. */
const QUIET_SHARE = 0.1;
/** Work that is enough to have left something behind: a process that does next to nothing is not walked through again. */
const LEAST_WORK_MS = 200;

export interface Usage {
  readonly nowMs: number;
  /** Processor time of the whole process since it started. */
  readonly workedMs: number;
}

/** When to give memory back: as soon as a process that has worked is quiet, and while it goes on working from time to time. */
export class QuietMoments {
  #last: Usage;
  #given: Usage;

  constructor(start: Usage) {
    this.#last = start;
    this.#given = start;
  }

  /** Is this such a moment? Asked at regular intervals. */
  isNow(usage: Usage): boolean {
    const isQuiet = usage.workedMs - this.#last.workedMs < QUIET_SHARE * (usage.nowMs - this.#last.nowMs);
    this.#last = usage;
    if (usage.workedMs - this.#given.workedMs < LEAST_WORK_MS) return false;
    if (!isQuiet && usage.nowMs - this.#given.nowMs < LONGEST_MS) return false;
    this.#given = usage;
    return true;
  }
}
