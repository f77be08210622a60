import type { ConsulAnswer } from './answer.ts';
import type { ConsulCall } from './call.ts';

/** Answers a call; a `RampartError` that it throws becomes the status that is meant for its code. */
export type ConsulHandler = (call: ConsulCall) => ConsulAnswer | Promise<ConsulAnswer>;

/** Handlers by method and path: "GET /v1/health/service/:service". */
export type ConsulRoutes = Readonly<Record<string, ConsulHandler>>;

/** A path that was found. */
export interface FoundRoute {
  /** Its name in the table: "GET /v1/health/service/:service". */
  readonly name: string;
  readonly params: Readonly<Record<string, string>>;
}

/** What a table says of a method and a path: the row, or which other methods the path has. */
export type RouteLookup =
  | { readonly kind: 'found'; readonly route: FoundRoute }
  | { readonly kind: 'other-method'; readonly allowed: readonly string[] }
  | { readonly kind: 'unknown' };

interface Pattern {
  readonly name: string;
  readonly method: string;
  readonly segments: readonly string[];
}

/**
 * Finds paths among patterns: ":name" stands for one segment, a last "*" for any number of them, "ANY" for every method. Exact
 * segments win over ":name", and both over "*".
 */
export class RouteTable {
  readonly #patterns: readonly Pattern[];

  constructor(names: readonly string[]) {
    this.#patterns = names.map(patternOf).toSorted((a, b) => vagueness(a) - vagueness(b));
  }

  find(method: string, path: string): RouteLookup {
    const segments = segmentsOf(path);
    if (segments === undefined) return { kind: 'unknown' };
    const matching = this.#patterns.filter((pattern) => matches(pattern, segments));
    const [best] = matching;
    if (best === undefined) return { kind: 'unknown' };
    // Whoever asks for another method of an exact path is not given what a "*" stands for.
    const rivals = matching.filter((pattern) => vagueness(pattern) === vagueness(best));
    const found = rivals.find((pattern) => pattern.method === method || pattern.method === 'ANY');
    if (found === undefined) return { kind: 'other-method', allowed: rivals.map((pattern) => pattern.method) };
    return { kind: 'found', route: { name: found.name, params: paramsOf(found, segments) } };
  }
}

function patternOf(name: string): Pattern {
  const [method = '', path = ''] = name.split(' ', 2);
  return { name, method, segments: path.split('/').slice(1) };
}

function vagueness({ segments }: Pattern): number {
  return segments.reduce((sum, segment) => sum + (segment === '*' ? 1000 : segment.startsWith(':') ? 1 : 0), 0);
}

/** Undefined for a path that is encoded wrongly. A "/" that is encoded stays within its segment. */
function segmentsOf(path: string): readonly string[] | undefined {
  try {
    return path.split('/').slice(1).map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

function matches({ segments }: Pattern, given: readonly string[]): boolean {
  const isOpen = segments.at(-1) === '*';
  const fixed = isOpen ? segments.slice(0, -1) : segments;
  if (isOpen ? given.length < fixed.length : given.length !== fixed.length) return false;
  return fixed.every((segment, index) => (segment.startsWith(':') ? given[index] !== '' : segment === given[index]));
}

function paramsOf({ segments }: Pattern, given: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    segments.flatMap((segment, index) => (segment.startsWith(':') ? [[segment.slice(1), given[index] ?? '']] : [])),
  );
}
