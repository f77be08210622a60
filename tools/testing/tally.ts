import { relative } from 'node:path';
import { inspect } from 'node:util';

/** What the tally needs of a `test:pass` or `test:fail` event. */
export interface TestOutcome {
  readonly name: string;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly skip?: string | boolean | undefined;
  readonly todo?: string | boolean | undefined;
  readonly details: { readonly duration_ms: number; readonly type?: string | undefined; readonly error?: unknown };
}

export interface FileTally {
  readonly tests: number;
  readonly failed: number;
}

interface Slow {
  readonly title: string;
  readonly milliseconds: number;
}

/** Counts outcomes and keeps what a reader wants to see of them at the end. */
export class Tally {
  passed = 0;
  failed = 0;
  skipped = 0;
  readonly failures: string[] = [];
  readonly skips: string[] = [];
  readonly #slow: Slow[] = [];
  readonly #files = new Map<string, FileTally>();
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  add(outcome: TestOutcome, ok: boolean): void {
    const isSuite = outcome.details.type === 'suite';
    const excuse = outcome.skip ?? (ok ? undefined : outcome.todo);
    if (excuse !== undefined && excuse !== false) return this.#skip(outcome, excuse);
    if (isWholeFile(outcome) && ok) return this.#fail(outcome, 'this file holds no test');
    if (ok) {
      if (isSuite) return;
      this.passed += 1;
      this.#slow.push({ title: this.#title(outcome), milliseconds: outcome.details.duration_ms });
      return this.#count(outcome, 0);
    }
    // A parent whose children failed has said nothing that they have not said.
    if (failureType(outcome.details.error) === 'subtestsFailed') return;
    const hung = failureType(outcome.details.error) === 'testAborted' && isWholeFile(outcome);
    this.#fail(
      outcome,
      hung ? 'did not end: something that it started is left running' : errorText(outcome.details.error),
    );
  }

  /** Tests above `milliseconds`, slowest first. */
  slowest(milliseconds: number): string[] {
    return this.#slow
      .filter((each) => each.milliseconds >= milliseconds)
      .toSorted((a, b) => b.milliseconds - a.milliseconds)
      .map((each) => `${(each.milliseconds / 1000).toFixed(1)} s  ${each.title}`);
  }

  file(path: string): FileTally {
    return this.#files.get(path) ?? { tests: 0, failed: 0 };
  }

  summary(): string {
    return `${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped`;
  }

  #skip(outcome: TestOutcome, reason: string | boolean): void {
    if (reason === true || reason === '') {
      return this.#fail(outcome, 'skipped without a reason: say { skip: "why" }');
    }
    this.skipped += 1;
    this.skips.push(`${this.#title(outcome)}: ${reason}`);
    this.#count(outcome, 0);
  }

  #fail(outcome: TestOutcome, text: string): void {
    this.failed += 1;
    this.failures.push(`${this.#title(outcome)}\n${text.replaceAll(/^/gm, '    ')}`);
    this.#count(outcome, 1);
  }

  #count(outcome: TestOutcome, failed: number): void {
    const path = outcome.file ?? '';
    const before = this.file(path);
    this.#files.set(path, {
      tests: before.tests + 1,
      failed: before.failed + failed,
    });
  }

  #title(outcome: TestOutcome): string {
    const path = relative(this.#root, outcome.file ?? '');
    return isWholeFile(outcome) ? path : `${path}:${outcome.line ?? 1}  ${outcome.name}`;
  }
}

/** A file that registered no test is reported as one test that bears the file's name. */
function isWholeFile(outcome: TestOutcome): boolean {
  return outcome.name === outcome.file;
}

function failureType(error: unknown): unknown {
  return error instanceof Error && 'failureType' in error ? error.failureType : undefined;
}

/** The test runner wraps what was thrown; a reader wants what was thrown. */
function errorText(error: unknown): string {
  const thrown = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return typeof thrown === 'string' ? thrown : inspect(thrown, { depth: 6 });
}
