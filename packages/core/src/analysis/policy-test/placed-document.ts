import { LineCounter, parseAllDocuments } from 'yaml';
import { JsonDocument } from '../../document/json-document.ts';
import { DEFAULT_LIMITS, utf8Length } from '../../document/limits.ts';
import { ProblemList, type TextPosition } from '../../document/problem-list.ts';
import { Cursor, type Reader } from '../../resource/cursor.ts';
import { formatFieldPath, type FieldPath, type FieldProblem, type ResourceProblem } from '../../resource/problem.ts';

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
  if (utf8Length(text) > DEFAULT_LIMITS.bytes) {
    const message = `must be at most ${DEFAULT_LIMITS.bytes} bytes: split it into several files`;
    problems.add(start, { code: 'DOCUMENT_TOO_LARGE', message });
    return refused();
  }
  const lines = new LineCounter();
  const position = (offset: number): TextPosition => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const budget = { nodes: DEFAULT_LIMITS.nodes };
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    stringKeys: true,
    uniqueKeys: false,
    merge: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  const [first, second] = documents.map((one) => new JsonDocument(one, { depth: DEFAULT_LIMITS.depth, budget }));
  for (const { offset, ...note } of first?.problems ?? []) problems.add(position(offset), note);
  if (first === undefined || second !== undefined || first.value === undefined) {
    const message =
      second === undefined ? 'holds nothing' : 'must be one document: put the second into a file of its own';
    const at = second === undefined ? start : position(second.offsetOf([], 'value'));
    if (problems.errors === 0) problems.add(at, { code: 'INVALID_YAML', message });
    return refused();
  }
  const found: FieldProblem[] = [];
  const value = read(new Cursor(first.value, found));
  for (const { path, at, ...note } of found) {
    problems.add(position(first.offsetOf(path, at)), { ...note, field: formatFieldPath(path) });
  }
  return {
    value: problems.errors === 0 ? value : undefined,
    problems: problems.sorted(),
    placeOf: (path) => position(first.offsetOf(path, 'key')),
  };
}
