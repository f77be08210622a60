import { FieldProblems } from '../../document/field-problems.ts';
import { DEFAULT_LIMITS } from '../../document/limits.ts';
import { ProblemList, type TextPosition } from '../../document/problem-list.ts';
import { readText } from '../../document/read-text.ts';
import { Cursor, type Reader } from '../../resource/cursor.ts';
import { formatFieldPath, type FieldPath, type ResourceProblem } from '../../resource/problem.ts';

/** A document that was read, and the places of its values. */
export interface PlacedDocument<T> {
  /** Undefined when any problem is an error. */
  readonly value: T | undefined;
  readonly problems: readonly ResourceProblem[];
  readonly placeOf: (path: FieldPath) => TextPosition;
}

/** Reads a text that is one YAML (or JSON) document, by the same rules and limits as resources. */
export function readPlaced<T>(text: string, file: string, read: Reader<T>): PlacedDocument<T> {
  const problems = new ProblemList(file, DEFAULT_LIMITS.problems);
  const start = { line: 1, column: 1 };
  const refused = (): PlacedDocument<T> => ({ value: undefined, problems: problems.sorted(), placeOf: () => start });
  const { documents, position } = readText(text, problems, DEFAULT_LIMITS);
  const [first, second] = documents;
  if (first === undefined || second !== undefined || first.value === undefined) {
    const message =
      second === undefined ? 'holds nothing' : 'must be one document: put the second into a file of its own';
    const at = second === undefined ? start : position(second.offsetOf([], 'value'));
    if (problems.errors === 0) problems.add(at, { code: 'INVALID_YAML', message });
    return refused();
  }
  const found = new FieldProblems(DEFAULT_LIMITS.problems);
  const value = read(new Cursor(first.value, found));
  for (const { path, at, ...note } of found.listed) {
    problems.add(position(first.offsetOf(path, at)), { ...note, field: formatFieldPath(path) });
  }
  problems.addUnlisted(found.unlisted);
  return {
    value: problems.errors + found.errors === 0 ? value : undefined,
    problems: problems.sorted(),
    placeOf: (path) => position(first.offsetOf(path, 'key')),
  };
}
