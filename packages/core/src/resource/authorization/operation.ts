import { deadMethod, deadPath } from './dead-value.ts';
import { asksNothing } from './source.ts';
import type { Cursor, FieldReaders, Reader } from '../cursor.ts';
import { pathList, patternList, textList } from '../text-list.ts';

/** What is being done: every field asks, any value of a field will do. */
export interface AuthorizationOperation {
  readonly hosts?: readonly string[];
  readonly notHosts?: readonly string[];
  readonly ports?: readonly string[];
  readonly notPorts?: readonly string[];
  readonly methods?: readonly string[];
  readonly notMethods?: readonly string[];
  readonly paths?: readonly string[];
  readonly notPaths?: readonly string[];
}

const PORT = /^(?:0|[1-9]\d{0,4})$/;
const MAX_PORT = 65_535;

const ports = textList(portProblem);
const patterns = patternList();
const paths = pathList();

const READERS: FieldReaders<AuthorizationOperation> = {
  hosts: patterns,
  notHosts: patterns,
  ports,
  notPorts: ports,
  methods: readMethods,
  notMethods: readMethods,
  paths: readPaths,
  notPaths: readPaths,
};

/** Names of the fields of an operation. */
export const OPERATION_FIELDS: readonly string[] = Object.keys(READERS);

export function readOperation(at: Cursor): AuthorizationOperation | undefined {
  const operation = at.fields(READERS);
  if (operation === undefined) return undefined;
  return asksNothing(at) ? at.error('must ask for something: name methods, paths, hosts or ports') : operation;
}

/** Patterns of methods, with a warning at what no request can have. */
export function readMethods(at: Cursor): string[] | undefined {
  return warned(at, patterns, deadMethod);
}

/** Patterns and templates of paths, with a warning at what no request can have. */
export function readPaths(at: Cursor): string[] | undefined {
  return warned(at, paths, deadPath);
}

/** A list, with a warning at each value that no request can have. */
function warned(
  at: Cursor,
  read: Reader<string[]>,
  deadBecause: (value: string) => string | undefined,
): string[] | undefined {
  const values = read(at);
  for (const item of values === undefined ? [] : (at.items() ?? [])) {
    const why = typeof item.value === 'string' ? deadBecause(item.value) : undefined;
    if (why !== undefined) item.warning(`never matches: ${why}`);
  }
  return values;
}

export function portProblem(text: string): string | undefined {
  return PORT.test(text) && Number(text) <= MAX_PORT ? undefined : `must be a port number from 0 to ${MAX_PORT}`;
}
