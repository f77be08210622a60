import { isIdentifier } from '../path-shape.ts';

/** Who used a path, and how often: requests by method, then by principal. */
export type PathUse = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** A path, or the form of many. */
export interface UsedPath {
  /** Segments after the first slash; undefined stands for `{*}`. */
  readonly segments: readonly (string | undefined)[];
  readonly use: PathUse;
}

/** Different identifiers in one place from which on it is taken for a parameter. */
const ENOUGH_IDENTIFIERS = 3;
/** The same for names, which have to vary far more: each could be a route of its own. Never for the first segment. */
const ENOUGH_NAMES = 50;
/** RFC 3986 pchar without the wildcards: what the fixed segments of a template may hold. */
const LITERAL = /^[A-Za-z0-9\-._~%!$&'()+,;:@=]+$/;

/** Whether a template can stand for a path: its segments are ordinary, and only the last one may be empty. */
export function isTemplatable(segments: readonly string[]): boolean {
  return segments.every((segment, index) => LITERAL.test(segment) || (segment === '' && index === segments.length - 1));
}

/**
 * Every path that was used, by its segments. Where identifiers (or very many names) vary, they become one parameter, as
 * soon as there are enough of them: the tree grows with the interface of a service, not with its traffic. What comes out
 * does not depend on the order in which paths came in.
 */
export class PathTree {
  readonly #root = new PathNode(0);

  /** Paths and parameters in the tree. */
  get size(): number {
    return this.#root.size;
  }

  add(segments: readonly string[], use: { readonly method: string; readonly principal: string }): void {
    let node = this.#root;
    for (const segment of segments) node = node.step(segment);
    node.count(use.method, use.principal, 1);
  }

  list(): UsedPath[] {
    return this.#root.list([]);
  }
}

class PathNode {
  readonly #depth: number;
  readonly #use = new Map<string, Map<string, number>>();
  readonly #children = new Map<string, PathNode>();
  #parameter: PathNode | undefined;
  /** Different identifiers and names that were children at some time; each is counted once. */
  readonly #seen = { identifiers: 0, names: 0 };
  #takesIdentifiers = false;
  #takesNames = false;

  constructor(depth: number) {
    this.#depth = depth;
  }

  get size(): number {
    let size = 1 + (this.#parameter?.size ?? 0);
    for (const child of this.#children.values()) size += child.size;
    return size;
  }

  step(segment: string): PathNode {
    if (this.#parameter !== undefined && this.#takes(segment)) return this.#parameter;
    const known = this.#children.get(segment);
    if (known !== undefined) return known;
    const child = new PathNode(this.#depth + 1);
    this.#children.set(segment, child);
    if (segment !== '') this.#seen[isIdentifier(segment) ? 'identifiers' : 'names'] += 1;
    const { identifiers, names } = this.#seen;
    this.#generalise(identifiers >= ENOUGH_IDENTIFIERS, this.#depth > 0 && names >= ENOUGH_NAMES);
    return this.#children.get(segment) ?? this.#parameter ?? child;
  }

  count(method: string, principal: string, by: number): void {
    const principals = this.#use.get(method) ?? new Map<string, number>();
    this.#use.set(method, principals);
    principals.set(principal, (principals.get(principal) ?? 0) + by);
  }

  list(before: readonly (string | undefined)[]): UsedPath[] {
    const found: UsedPath[] = this.#use.size === 0 ? [] : [{ segments: before, use: this.#use }];
    for (const [segment, child] of this.#children) found.push(...child.list([...before, segment]));
    if (this.#parameter !== undefined) found.push(...this.#parameter.list([...before, undefined]));
    return found;
  }

  /** `{*}` asks for one character at least. */
  #takes(segment: string): boolean {
    return segment !== '' && (this.#takesNames || (this.#takesIdentifiers && isIdentifier(segment)));
  }

  /** Makes a parameter of identifiers, of names, or of both; what was one stays one. */
  #generalise(identifiers: boolean, names: boolean): void {
    const isNew = (identifiers && !this.#takesIdentifiers) || (names && !this.#takesNames);
    if (!isNew) return;
    this.#takesIdentifiers ||= identifiers;
    this.#takesNames ||= names;
    const parameter = this.#parameter ?? new PathNode(this.#depth + 1);
    this.#parameter = parameter;
    for (const [segment, child] of [...this.#children]) {
      if (!this.#takes(segment)) continue;
      this.#children.delete(segment);
      parameter.absorb(child);
    }
  }

  /** Takes in everything of a node that turns out to be the same place. */
  absorb(other: PathNode): void {
    for (const [method, principals] of other.#use)
      for (const [principal, count] of principals) this.count(method, principal, count);
    for (const [segment, child] of other.#children) this.step(segment).absorb(child);
    if (other.#parameter === undefined) return;
    this.#generalise(other.#takesIdentifiers, other.#takesNames);
    // The line above has made one, where there was none.
    this.#parameter?.absorb(other.#parameter);
  }
}
