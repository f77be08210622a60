import { excerpt, printable } from '../printable.ts';
import type { ErrorCode } from '../errors.ts';

/** One thing that is wrong with a document, and where. */
export interface ResourceProblem {
  /** A warning does not stop the resource from being applied. */
  readonly severity: 'error' | 'warning';
  readonly code: ErrorCode;
  /** What is wrong and what to do, without place. */
  readonly message: string;
  /** File name as given by the caller; "" when the resource did not come from a document. */
  readonly file: string;
  /** From 1; 0 when the resource did not come from a document. */
  readonly line: number;
  /** From 1; 0 when the resource did not come from a document. */
  readonly column: number;
  /** "spec.rules[0].from[0].source.principals"; "" for the document as a whole. */
  readonly field: string;
}

/** "policies.yaml:12:9: spec.rules[0].from: must not be empty…", on one line. */
export function describeProblem(problem: ResourceProblem): string {
  const place = problem.line > 0 ? `${problem.file}:${problem.line}:${problem.column}` : problem.file;
  const text = [place, problem.field, problem.message].filter((part) => part !== '').join(': ');
  return text.replace(LINE_BREAKING, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Pieces of a document stand in what is said about it: control characters, and what some programs take for the end of a line. */
const LINE_BREAKING = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** Steps from the root of a document to one of its values. */
export type FieldPath = readonly (string | number)[];

/** A problem before it is known where in a text its field stands. */
export interface FieldProblem {
  readonly severity: 'error' | 'warning';
  readonly code: ErrorCode;
  readonly message: string;
  readonly path: FieldPath;
  /** Whether to point at the field's name or at its value. */
  readonly at: 'key' | 'value';
}

/** A step in the text that `formatFieldPath` gives: `.spec`, `[0]`, `["app.kubernetes.io/name"]`. */
const STEP = /\.?([A-Za-z_][A-Za-z0-9_-]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/g;
/** Longer names are cut: no field that is known has one. */
const MAX_STEP = 512;
const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/** "spec.rules[0].from"; keys that would be ambiguous are quoted: `metadata.labels["app.kubernetes.io/name"]`. */
export function formatFieldPath(path: FieldPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (step.length > MAX_STEP) text += `[${excerpt(step)}]`;
    else if (!PLAIN_KEY.test(step)) text += `[${printable(JSON.stringify(step))}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

/** The steps that `formatFieldPath` put together. */
export function parseFieldPath(text: string): FieldPath {
  return Array.from(text.matchAll(STEP), ([, key, index, quoted]) => {
    if (index !== undefined) return Number(index);
    return quoted === undefined ? (key ?? '') : (JSON.parse(quoted) as string);
  });
}
