import type { Reader } from '../cursor.ts';
import { labelNameProblem, labelValueProblem } from '../metadata/label-syntax.ts';
import { mapOf } from './document-form.ts';

/** Labels that instances or callers must have, each with this very value. */
export const readLabels: Reader<Record<string, string>> = mapOf((value) => {
  const text = value.textOrEmpty();
  const problem = text === undefined ? undefined : labelValueProblem(text);
  return problem === undefined ? text : value.error(problem);
}, labelNameProblem);
