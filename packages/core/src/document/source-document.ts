import type { FieldPath, FieldProblem } from '../resource/problem.ts';
import type { TextProblem } from './json-document.ts';

/** A document as plain JSON that knows where in its text each value stands, whatever language the text is in. */
export interface SourceDocument {
  /** Undefined for a document with nothing in it. */
  readonly value: unknown;
  readonly problems: readonly TextProblem[];
  /** Its fields are worth reading, so that every mistake is listed, but it is no resource: something in its text was refused. */
  readonly faulty?: boolean;
  /** Offset in the text of a value, or of the name of its field; of the nearest parent when the path leads nowhere. */
  offsetOf(path: FieldPath, at: FieldProblem['at']): number;
}
