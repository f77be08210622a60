import type { Resource } from '../resource/resource.ts';
import { DocumentReader, type ReaderOptions } from './document-reader.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import type { ParsedDocuments } from './parsed-documents.ts';
import { ProblemList } from './problem-list.ts';

/**
 * Resources of one set that come one by one, each as the JSON of its own. What is said of the n-th of them is said of line n, column 1;
 * a program that made the JSON from a file knows where that is.
 */
export class ResourceTexts implements ParsedDocuments {
  readonly resources: Resource[] = [];
  readonly #problems: ProblemList;
  readonly #reader: DocumentReader;
  #count = 0;

  constructor(file: string, options: ReaderOptions) {
    const listed = DEFAULT_LIMITS.problems;
    this.#problems = new ProblemList(file, listed);
    const position = (offset: number): { line: number; column: number } => ({ line: offset, column: 1 });
    this.#reader = new DocumentReader(options, { problems: this.#problems, position, listed });
  }

  /** Texts so far. */
  get count(): number {
    return this.#count;
  }

  get problems(): ParsedDocuments['problems'] {
    return this.#problems.sorted();
  }

  get placeOf(): ParsedDocuments['placeOf'] {
    return this.#reader.placeOf;
  }

  add(text: string): void {
    this.#count += 1;
    const number = this.#count;
    const value = jsonOf(text);
    if (value === undefined) {
      this.#problems.add({ line: number, column: 1 }, { code: 'INVALID_YAML', message: 'is not JSON' });
      return;
    }
    // Its only place is its number.
    this.resources.push(...this.#reader.read({ value, problems: [], offsetOf: () => number }));
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
