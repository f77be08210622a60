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
  /** Least for what is said most exactly. */
  readonly vagueness: number;
}

/** Where the first segments of some patterns lead to. */
interface Place {
  /** Patterns that end here. */
  readonly ends: Pattern[];
  /** Patterns with a "*" here. */
  readonly open: Pattern[];
  readonly fixed: Map<string, Place>;
  /** Where any segment leads to. */
  named?: Place;
}

/**
 * Finds paths among patterns: ":name" stands for one segment, a last "*" for any number of them, "ANY" for every method. Exact
 * segments win over ":name", and both over "*". Only the segments of the path are gone through, however many patterns there are.
 */
export class RouteTable {
  readonly #root: Place = placeOf();
  /** What was found for paths in which nothing is named: they are few, and asked for with most calls that change something. */
  readonly #whole = new Map<string, RouteLookup>();

  constructor(names: readonly string[]) {
    for (const name of names) insert(this.#root, patternOf(name));
    for (const name of names) {
      const { method, segments, vagueness } = patternOf(name);
      if (vagueness === 0) this.#whole.set(name, this.#search(method, `/${segments.join('/')}`));
    }
  }

  find(method: string, path: string): RouteLookup {
    return this.#whole.get(`${method} ${path}`) ?? this.#search(method, path);
  }

  #search(method: string, path: string): RouteLookup {
    const segments = segmentsOf(path);
    if (segments === undefined) return { kind: 'unknown' };
    const matching: Pattern[] = [];
    gather(this.#root, { segments, at: 0, matching });
    if (matching.length === 0) return { kind: 'unknown' };
    const least = matching.reduce((vagueness, pattern) => Math.min(vagueness, pattern.vagueness), Infinity);
    // Whoever asks for another method of an exact path is not given what a "*" stands for.
    const rivals = matching.filter(({ vagueness }) => vagueness === least);
    const found = rivals.find((pattern) => pattern.method === method || pattern.method === 'ANY');
    if (found === undefined) return { kind: 'other-method', allowed: rivals.map((pattern) => pattern.method) };
    return { kind: 'found', route: { name: found.name, params: paramsOf(found, segments) } };
  }
}

function placeOf(): Place {
  return { ends: [], open: [], fixed: new Map<string, Place>() };
}

function patternOf(name: string): Pattern {
  const [method = '', path = ''] = name.split(' ', 2);
  const segments = path.split('/').slice(1);
  const vagueness = segments.reduce((sum, segment) => sum + (segment === '*' ? 1000 : isNamed(segment) ? 1 : 0), 0);
  return { name, method, segments, vagueness };
}

function insert(root: Place, pattern: Pattern): void {
  const isOpen = pattern.segments.at(-1) === '*';
  let place = root;
  for (const segment of isOpen ? pattern.segments.slice(0, -1) : pattern.segments) {
    const next: Place = (isNamed(segment) ? place.named : place.fixed.get(segment)) ?? placeOf();
    if (isNamed(segment)) place.named = next;
    else place.fixed.set(segment, next);
    place = next;
  }
  (isOpen ? place.open : place.ends).push(pattern);
}

interface Gathering {
  readonly segments: readonly string[];
  readonly at: number;
  readonly matching: Pattern[];
}

/** Every pattern that a path matches, of whatever method. */
function gather(place: Place, { segments, at, matching }: Gathering): void {
  matching.push(...place.open);
  const segment = segments[at];
  if (segment === undefined) {
    matching.push(...place.ends);
    return;
  }
  const next = { segments, at: at + 1, matching };
  const fixed = place.fixed.get(segment);
  if (fixed !== undefined) gather(fixed, next);
  if (place.named !== undefined && segment !== '') gather(place.named, next);
}

function isNamed(segment: string): boolean {
  return segment.startsWith(':');
}

/** Undefined for a path that is encoded wrongly. A "/" that is encoded stays within its segment. */
function segmentsOf(path: string): readonly string[] | undefined {
  const segments = path.split('/').slice(1);
  if (!path.includes('%')) return segments;
  try {
    return segments.map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

function paramsOf({ segments, vagueness }: Pattern, given: readonly string[]): Readonly<Record<string, string>> {
  const params: Record<string, string> = {};
  if (vagueness === 0) return params;
  for (const [index, segment] of segments.entries()) {
    if (isNamed(segment)) params[segment.slice(1)] = given[index] ?? '';
  }
  return params;
}
