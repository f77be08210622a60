import type { FieldProblem } from '../resource/problem.ts';

/** Where problems are noted; an array of them will do. */
export interface ProblemSink {
  /** How many there are. */
  readonly length: number;
  push(problem: FieldProblem): unknown;
}

/** The problems of a document, up to a limit beyond which they are only counted. */
export class FieldProblems implements ProblemSink {
  readonly listed: FieldProblem[] = [];
  readonly #limit: number;
  #length = 0;
  #errors = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Listed or not. */
  get length(): number {
    return this.#length;
  }

  /** Errors, listed or not. */
  get errors(): number {
    return this.#errors;
  }

  get unlisted(): number {
    return this.#length - this.listed.length;
  }

  push(problem: FieldProblem): void {
    this.#length += 1;
    if (problem.severity === 'error') this.#errors += 1;
    if (this.listed.length < this.#limit) this.listed.push(problem);
  }
}

/** What stands for the problems that are not listed. */
export function unlistedMessage(count: number): string {
  return `${count} further problem${count === 1 ? ' is' : 's are'} not listed: repair these first`;
}
