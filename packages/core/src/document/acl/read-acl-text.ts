import { readText, isReadable, type ReadText } from '../read-text.ts';
import type { DocumentLimits } from '../limits.ts';
import type { ProblemList, TextPosition } from '../problem-list.ts';
import { HclError } from '../hcl/tokens.ts';
import { type HclBody, parseHcl } from '../hcl/parser.ts';
import { aclDocument, type NoteAt } from './acl-document.ts';
import { bodyOfJson } from './json-body.ts';

const ACL_FILE = /(?:^|[/\\])([^/\\]*?)(?:\.acl)?\.(hcl|json)$/;
const MAX_NAME = 63;

interface AclFile {
  /** Of the resource: that of the file, in the letters that a resource may have. */
  readonly name: string;
  readonly language: 'hcl' | 'json';
}

/** Whether a file holds an access control list of the registry by its name: `*.hcl`, `*.acl.json`. */
export function aclFile(file: string): AclFile | undefined {
  const [, base = '', language] = ACL_FILE.exec(file) ?? [];
  if (language !== 'hcl' && !file.endsWith('.acl.json')) return undefined;
  const name = base
    .toLowerCase()
    .replaceAll(/[^a-z0-9.]+/g, '-')
    .slice(0, MAX_NAME)
    .replaceAll(/^[-.]+|[-.]+$/g, '');
  return { name: name === '' ? 'acl' : name, language: language === 'hcl' ? 'hcl' : 'json' };
}

export interface AclReading {
  readonly file: AclFile;
  readonly problems: ProblemList;
  readonly limits: DocumentLimits;
}

/** Reads an access control list as the resource that it stands for, within limits. */
export function readAclText(text: string, { file, problems, limits }: AclReading): ReadText {
  if (file.language === 'json') return readAclJson(text, { file, problems, limits });
  if (!isReadable(text, problems, limits)) return { documents: [], position: () => ({ line: 1, column: 1 }) };
  const position = positionsIn(text);
  const body = parsed(text, limits, (error) => {
    problems.add(position(error.offset), { code: 'INVALID_HCL', message: error.message });
  });
  const documents =
    body === undefined || isEmpty(body) ? [] : [aclDocument(body, file.name, noteInto(problems, position))];
  return { documents, position };
}

function readAclJson(text: string, { file, problems, limits }: AclReading): ReadText {
  const { documents, position } = readText(text, problems, limits);
  const note = noteInto(problems, position);
  return {
    position,
    documents: documents.map((json) => {
      const { value } = json;
      const isRules = typeof value === 'object' && value !== null && !Object.hasOwn(value, 'apiVersion');
      return isRules && json.problems.length === 0 ? aclDocument(bodyOfJson(json), file.name, note) : json;
    }),
  };
}

function parsed(text: string, limits: DocumentLimits, failed: (error: HclError) => void): HclBody | undefined {
  try {
    return parseHcl(text, limits);
  } catch (error) {
    if (!(error instanceof HclError)) throw error;
    failed(error);
    return undefined;
  }
}

function isEmpty({ attributes, blocks }: HclBody): boolean {
  return attributes.size === 0 && blocks.length === 0;
}

function noteInto(problems: ProblemList, position: ReadText['position']): NoteAt {
  return (severity, message, offset) => problems.add(position(offset), { severity, code: 'INVALID_RESOURCE', message });
}

/** Lines and columns, both from 1, of offsets in a text. */
function positionsIn(text: string): (offset: number) => TextPosition {
  const starts = [0];
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) starts.push(end + 1);
  return (offset) => {
    let low = 0;
    for (let high = starts.length - 1; low < high;) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}
