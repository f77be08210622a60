import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { qualifiedName, RampartError, type Resource, resourceKey, toJson } from '@rampart/core';
import { aclFile, LARGEST_DOCUMENT_BYTES, type Objection } from '@rampart/core/documents';
import type { Io } from '../io.ts';
import type { DocumentProblem } from '../views/problem-line.ts';
import { parseText } from './parse-text.ts';

/** One file's text under the name that problems show. */
export interface DocumentText {
  readonly file: string;
  readonly text: string;
}

/** What the files of a command line hold. */
export interface DocumentSet {
  readonly documents: readonly DocumentText[];
  readonly resources: readonly Resource[];
  readonly problems: readonly DocumentProblem[];
  /** True when any problem is an error: nothing of the set may be used. */
  readonly refused: boolean;
  /** Where a field of one of the resources stands. */
  readonly placeOf: (resource: Resource, field: string) => DocumentPlace | undefined;
}

/** A place in a file; lines and columns count from 1. */
export interface DocumentPlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

const DOCUMENT_NAME = /\.(?:ya?ml|json|hcl)$/;

export interface ReadOptions {
  readonly io: Io;
  /** Of resources that name none. */
  readonly namespace: string | undefined;
  /** Where what holds for the whole mesh stands; the usual one where absent. */
  readonly rootNamespace?: string;
}

/** Reads and checks every file, directory and "-" that was named; throws INVALID_ARGUMENT for what cannot be read. */
export async function readDocuments(names: readonly string[], options: ReadOptions): Promise<DocumentSet> {
  const documents: DocumentText[] = [];
  for (const name of names) documents.push(...(await readTexts(name, options.io)));
  refuseBeyondReason(documents);
  const { namespace, rootNamespace } = options;
  const defaults = {
    ...(namespace === undefined ? {} : { defaultNamespace: namespace }),
    ...(rootNamespace === undefined ? {} : { rootNamespace }),
  };
  const fileOf = new Map<string, string>();
  const parsed = documents.map(({ file, text }) =>
    parseText(text, { file, ...defaults, review: (resource) => repetition(resource, file, fileOf) }),
  );
  const problems = parsed.flatMap((one) => one.problems);
  return {
    documents: documents.map((document, index) => asResources(document, parsed[index]?.resources ?? [])),
    resources: parsed.flatMap((one) => one.resources),
    problems,
    refused: problems.some((problem) => problem.severity === 'error'),
    placeOf: (resource, field) => {
      for (const [index, one] of parsed.entries()) {
        const position = one.placeOf(resource, field);
        if (position !== undefined) return { file: documents[index]?.file ?? '', ...position };
      }
      return undefined;
    },
  };
}

/** Characters of all files: what the control plane takes at once, and a few comments. */
const LARGEST_SET = 128 * 1024 * 1024;

function refuseBeyondReason(documents: readonly DocumentText[]): void {
  const characters = documents.reduce((sum, { text }) => sum + text.length, 0);
  if (characters <= LARGEST_SET) return;
  const message = `the files have ${characters} characters, and at most ${LARGEST_SET} are read at once: name fewer of them`;
  throw new RampartError('DOCUMENT_TOO_LARGE', message);
}

/** An access control list as the resources that it stands for, so that it can be joined with others; everything else as it is. */
function asResources({ file, text }: DocumentText, resources: readonly Resource[]): DocumentText {
  return { file, text: aclFile(file) === undefined ? text : resources.map(toJson).join('\n---\n') };
}

/** Throws INVALID_ARGUMENT when there is nothing to work with, which is a slip and never what somebody wants. */
export function requireResources({ documents, resources }: DocumentSet, verb: string): void {
  if (resources.length > 0) return;
  const files = documents.map(({ file }) => file).join(', ');
  const holds = documents.length === 1 ? 'holds' : 'hold';
  const what = documents.every(({ text }) => text.trim() === '')
    ? `${documents.length === 1 ? 'is' : 'are'} empty`
    : `${holds} no resource`;
  throw new RampartError('INVALID_ARGUMENT', `nothing to ${verb}: ${files} ${what}`);
}

/** Files are taken together, so a resource that stands in two of them is as unclear as one that stands twice in one. */
function repetition(resource: Resource, file: string, fileOf: Map<string, string>): Objection[] {
  const key = resourceKey(resource);
  const first = fileOf.get(key);
  if (first === undefined) {
    fileOf.set(key, file);
    return [];
  }
  return [
    {
      code: 'DUPLICATE_RESOURCE',
      message: `${resource.kind} ${qualifiedName(resource)} stands in ${first}, too: keep one of them`,
      field: 'metadata.name',
    },
  ];
}

/** The text of a file, of each file of a directory, or of standard input for "-"; throws INVALID_ARGUMENT for what cannot be read. */
export async function readTexts(name: string, io: Io): Promise<DocumentText[]> {
  if (name === '-') return [{ file: '<stdin>', text: await io.readStdin() }];
  const path = resolve(io.workingDirectory, name);
  try {
    if (!(await stat(path)).isDirectory()) return [{ file: name, text: await readFile(path, 'utf8') }];
    const files = (await readdir(path)).filter((file) => DOCUMENT_NAME.test(file)).sort();
    if (files.length > 0)
      return await Promise.all(
        files.map(async (file) => ({ file: join(name, file), text: await readFile(join(path, file), 'utf8') })),
      );
  } catch (error) {
    throw new RampartError('INVALID_ARGUMENT', `cannot read ${name}: ${reasonOf(error)}`, { cause: error });
  }
  throw new RampartError('INVALID_ARGUMENT', `no .yaml, .yml, .json or .hcl file in the directory ${name}`);
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'no such file or directory; check the name';
  if (code === 'EACCES') return 'permission denied; check its owner and mode';
  return error instanceof Error ? error.message : String(error);
}

/** Several documents as the one text that is applied together. */
export interface JoinedDocument {
  /** Name of the file, or of all of them. */
  readonly file: string;
  readonly text: string;
  /** The file and line that a line of the joined text came from. */
  originOf(line: number): { readonly file: string; readonly line: number };
}

// "..." ends a YAML document and lets the next file begin with directives of its own (YAML 1.2.2 §9.2).
const END_OF_DOCUMENT = '\n...\n';

/**
 * Joins files into one text, so that they are applied all or nothing, and remembers where each line came from.
 *
 * @throws RampartError DOCUMENT_TOO_LARGE when they are more than one text may be, though each of them is not.
 */
export function joinDocuments(documents: readonly DocumentText[]): JoinedDocument {
  const starts: { readonly file: string; readonly first: number }[] = [];
  let line = 1;
  for (const { file, text } of documents) {
    starts.push({ file, first: line });
    line += text.split('\n').length + 1;
  }
  const names = documents.map(({ file }) => file).join(', ');
  // A byte order mark begins a file; amid a text it is something hidden.
  const joined = documents.map(({ text }) => text.replace(/^\uFEFF/, '')).join(END_OF_DOCUMENT);
  if (documents.length > 1) refuseTooLarge(joined, documents.length);
  return {
    // The name says what language a text is in, and joined texts are YAML.
    file: aclFile(names) === undefined ? names : `${names} (as YAML)`,
    text: joined,
    originOf: (at) => {
      const origin = starts.findLast(({ first }) => first <= at) ?? { file: documents[0]?.file ?? '', first: 1 };
      return { file: origin.file, line: at === 0 ? 0 : at - origin.first + 1 };
    },
  };
}

/** The control plane would say it of the first file alone. */
function refuseTooLarge(joined: string, files: number): void {
  const bytes = Buffer.byteLength(joined);
  if (bytes <= LARGEST_DOCUMENT_BYTES) return;
  throw new RampartError(
    'DOCUMENT_TOO_LARGE',
    `the ${files} files are ${bytes} bytes together, and at most ${LARGEST_DOCUMENT_BYTES} are taken at once: give some of them to one command, the others to the next`,
  );
}
