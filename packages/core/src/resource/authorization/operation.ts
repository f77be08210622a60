import { excerpt } from '../../printable.ts';
import { asksNothing } from './source.ts';
import type { Cursor } from '../cursor.ts';
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

export function readOperation(at: Cursor): AuthorizationOperation | undefined {
  const operation = at.fields<AuthorizationOperation>({
    hosts: patterns,
    notHosts: patterns,
    ports,
    notPorts: ports,
    methods: readMethods,
    notMethods: readMethods,
    paths,
    notPaths: paths,
  });
  if (operation === undefined) return undefined;
  return asksNothing(at) ? at.error('must ask for something: name methods, paths, hosts or ports') : operation;
}

/** Methods are compared as they are written (RFC 9110 §9.1). */
function readMethods(at: Cursor): string[] | undefined {
  const values = patterns(at);
  for (const item of values === undefined ? [] : (at.items() ?? [])) {
    if (typeof item.value === 'string' && /[a-z]/.test(item.value)) {
      item.warning(`never matches: methods are upper case, ${excerpt(item.value.toUpperCase())}`);
    }
  }
  return values;
}

export function portProblem(text: string): string | undefined {
  return PORT.test(text) && Number(text) <= MAX_PORT ? undefined : `must be a port number from 0 to ${MAX_PORT}`;
}
