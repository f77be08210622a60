import { printable } from '../render/text.ts';

/** What is wrong with a document, and where; lines and columns count from 1, 0 means "the whole file". */
export interface DocumentProblem {
  readonly severity: string;
  readonly code: string;
  readonly message: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** "spec.rules[0].from[0].source.principals"; "" when the document itself is at fault. */
  readonly field: string;
}

/** "file:line:column: field: message", the form that editors jump to. */
export function renderProblem(problem: DocumentProblem): string {
  const place = problem.line > 0 ? `${problem.file}:${problem.line}:${Math.max(1, problem.column)}` : problem.file;
  const parts = [
    place,
    ...(problem.severity === 'warning' ? ['warning'] : []),
    ...(problem.field === '' ? [] : [problem.field]),
    problem.message,
  ];
  return printable(parts.join(': '));
}
