import {
  DirectEntries,
  type EntryOverlap,
  isDirectEntry,
  qualifiedName,
  type RegistrationEntry,
  type Resource,
  resourceKey,
  type ResourceProblem,
} from '@rampart/core';
import type { ParsedDocuments } from '@rampart/core/documents';

export interface OverlapSurroundings {
  /** Name of the document. */
  readonly file: string;
  /** Unix milliseconds. */
  readonly now: number;
  /** What is in force before the document is applied. */
  present(): readonly { readonly resource: Resource }[];
}

const FIELD = 'spec.selectors';
/** Of the entries of one document that overlap with others, so many are told. */
const MOST_TOLD = 20;

/** Warnings for entries of a document that evidence may be for together with others, once all of it is applied. */
export function entryOverlaps(
  { resources, placeOf }: Pick<ParsedDocuments, 'resources' | 'placeOf'>,
  { file, now, present }: OverlapSurroundings,
): ResourceProblem[] {
  const applied = resources.filter((resource) => isEntryInForce(resource, now)).filter(isDirectEntry);
  if (applied.length === 0) return [];
  const replaced = new Set(resources.map(resourceKey));
  const others = present()
    .map(({ resource }) => resource)
    .filter((resource) => isEntryInForce(resource, now))
    .filter((entry) => !replaced.has(resourceKey(entry)));
  const entries = new DirectEntries([...others, ...applied]);
  const problems: ResourceProblem[] = [];
  for (const entry of applied) {
    const overlap = entries.overlapOf(entry);
    if (overlap === undefined) continue;
    const { line = 0, column = 0 } = placeOf(entry, FIELD) ?? {};
    const message = describe(overlap);
    problems.push({ severity: 'warning', code: 'INVALID_RESOURCE', message, file, line, column, field: FIELD });
    if (problems.length >= MOST_TOLD) break;
  }
  return problems;
}

function isEntryInForce(resource: Resource, now: number): resource is RegistrationEntry {
  return resource.kind === 'RegistrationEntry' && now < (resource.spec.expiresAt ?? Infinity);
}

function describe({ other, kind }: EntryOverlap): string {
  const name = qualifiedName(other);
  switch (kind) {
    case 'same':
      return `are those of ${name}, too: nobody who attests directly gets either identity, because only one entry may be for the same evidence`;
    case 'wider':
      return `include those of ${name}: nobody who attests directly gets this identity, because evidence for it is for ${name}, too, and only one entry may be`;
    case 'narrower':
      return `are among those of ${name}: nobody who attests directly gets that identity any more, because evidence for it is for this entry, too, and only one may be`;
    case 'possible':
      return `may hold of the same evidence as those of ${name}, which is refused then, because only one entry may be for it: add what tells them apart`;
  }
}
