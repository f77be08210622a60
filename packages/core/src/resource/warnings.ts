import { FieldProblems } from '../document/field-problems.ts';
import { toDocument } from './canonical.ts';
import { Cursor } from './cursor.ts';
import { DEFAULT_NAMESPACE, readResource } from './parse.ts';
import { formatFieldPath } from './problem.ts';
import type { Resource } from './resource.ts';

/** What is allowed in a resource and most likely not meant. */
export interface ResourceWarning {
  /** "spec.rules[0].from[0].source.principals[0]". */
  readonly field: string;
  readonly message: string;
}

/** What a reader of the resource's document would be warned of. */
export function warningsOf(resource: Resource, rootNamespace: string): readonly ResourceWarning[] {
  const problems = new FieldProblems(MOST);
  readResource(new Cursor(toDocument(resource), problems), { defaultNamespace: DEFAULT_NAMESPACE, rootNamespace });
  return problems.listed
    .filter(({ severity }) => severity === 'warning')
    .map(({ path, message }) => ({ field: formatFieldPath(path), message }));
}

const MOST = 1000;
