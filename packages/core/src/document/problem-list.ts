import type { ErrorCode } from '../errors.ts';
import { unlistedMessage } from './field-problems.ts';
import type { ResourceProblem } from '../resource/problem.ts';

export interface TextPosition {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

/** What is noted of a problem besides its place. */
export interface ProblemNote {
  readonly severity?: ResourceProblem['severity'];
  readonly code: ErrorCode;
  readonly message: string;
  readonly field?: string;
}

/** The problems of one file, up to a limit beyond which they are only counted. */
export class ProblemList {
  readonly #file: string;
  readonly #limit: number;
  readonly #problems: ResourceProblem[] = [];
  #unlisted = 0;
  #errors = 0;

  constructor(file: string, limit: number) {
    this.#file = file;
    this.#limit = limit;
  }

  /** Errors so far, listed or not. */
  get errors(): number {
    return this.#errors;
  }

  /** Whether what is added now is only counted. */
  get isFull(): boolean {
    return this.#problems.length >= this.#limit;
  }

  add(position: TextPosition, { severity = 'error', code, message, field = '' }: ProblemNote): void {
    if (severity === 'error') this.#errors += 1;
    if (this.#problems.length >= this.#limit) this.#unlisted += 1;
    else
      this.#problems.push({
        severity,
        code,
        message,
        file: this.#file,
        line: position.line,
        column: position.column,
        field,
      });
  }

  /** Counts problems that nobody will see. */
  addUnlisted(count: number): void {
    this.#unlisted += count;
  }

  /** All that was noted, in the order of the text. */
  sorted(): ResourceProblem[] {
    const sorted = this.#problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
    const last = sorted.at(-1);
    if (this.#unlisted === 0 || last === undefined) return sorted;
    const message = unlistedMessage(this.#unlisted);
    return [...sorted, { ...last, severity: 'error', code: 'INVALID_RESOURCE', message, field: '' }];
  }
}
