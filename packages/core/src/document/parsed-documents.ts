import type { ResourceProblem } from '../resource/problem.ts';
import type { Resource } from '../resource/resource.ts';
import type { TextPosition } from './problem-list.ts';

export interface ParsedDocuments {
  /** Resources without an error of their own, in the order of the text. Apply none of them when any problem is an error. */
  readonly resources: Resource[];
  /** Every problem, in the order of the text. */
  readonly problems: ResourceProblem[];
  /** Where a field of one of `resources` stands ("spec.rules[0]", "" for the whole), or the nearest field that is there. */
  readonly placeOf: (resource: Resource, field: string) => TextPosition | undefined;
}
