import { readText } from './document/read-text.ts';
import { aclFile, readAclText } from './document/acl/read-acl-text.ts';
import { DocumentReader, type ReaderOptions } from './document/document-reader.ts';
import { DEFAULT_LIMITS, type DocumentLimits } from './document/limits.ts';
import type { ParsedDocuments } from './document/parsed-documents.ts';
import { ProblemList } from './document/problem-list.ts';

export type { Objection, ReaderOptions } from './document/document-reader.ts';
export type { DocumentLimits } from './document/limits.ts';
export type { ParsedDocuments } from './document/parsed-documents.ts';
export { ResourceTexts } from './document/resource-texts.ts';
export { aclFile } from './document/acl/read-acl-text.ts';
export type { TextPosition } from './document/problem-list.ts';

/** Bytes of UTF-8 that a text may have, unless its reader says otherwise. */
export const LARGEST_DOCUMENT_BYTES: number = DEFAULT_LIMITS.bytes;

export interface ParseDocumentsOptions extends ReaderOptions {
  /** Name that problems carry; nothing is opened. */
  readonly file: string;
  readonly limits?: Partial<DocumentLimits>;
}

/**
 * Reads a text of YAML documents (or JSON, which is YAML) into resources. Duplicate keys, merge keys, tags of other
 * languages, alias bombs and deep nesting are refused; a `kind: List` is read element by element. A file that is named
 * `*.hcl` or `*.acl.json` holds an access control list of the registry, and gives one `RegistryAcl` of its name.
 */
export function parseDocuments(text: string, options: ParseDocumentsOptions): ParsedDocuments {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const problems = new ProblemList(options.file, limits.problems);
  const file = aclFile(options.file);
  const { documents, position } =
    file === undefined ? readText(text, problems, limits) : readAclText(text, { file, problems, limits });
  const reader = new DocumentReader(options, { problems, position, listed: limits.problems });
  return {
    resources: documents.flatMap((json) => reader.read(json)),
    problems: problems.sorted(),
    placeOf: reader.placeOf,
  };
}
