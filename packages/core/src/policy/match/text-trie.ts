/** Where patterns that share a beginning part ways. */
export interface TrieNode<T> {
  /** How many characters of a text lead here. */
  readonly depth: number;
  /** Values of patterns that are exactly the text that leads here. */
  readonly exact: readonly T[];
  /** Values of patterns that ask for texts beginning with what leads here. */
  readonly prefix: readonly T[];
  /** The nearest node on the way here that has prefixes of its own. */
  readonly up: TrieNode<T> | undefined;
}

interface GrowingNode<T> extends TrieNode<T> {
  label: string;
  depth: number;
  exact: T[];
  prefix: T[];
  up: GrowingNode<T> | undefined;
  /** By their first characters; undefined at the ends, which most nodes are. */
  children: Map<number, GrowingNode<T>> | undefined;
}

export type Direction = 'forwards' | 'backwards';

/**
 * Patterns, exact or by prefix, that are all held against a text in one walk over it: the walk takes as long as the text
 * is, however many patterns there are, and allocates nothing. Backwards, prefixes are suffixes.
 */
export class TextTrie<T> {
  readonly #root: GrowingNode<T> = emptyNode('', 0);
  readonly #backwards: boolean;

  constructor(direction: Direction) {
    this.#backwards = direction === 'backwards';
  }

  add(text: string, form: 'exact' | 'prefix', value: T): void {
    const wanted = this.#backwards ? reversed(text) : text;
    let node = this.#root;
    let at = 0;
    while (at < wanted.length) {
      const child = node.children?.get(wanted.charCodeAt(at)) ?? addLeaf(node, wanted.slice(at));
      const shared = sharedLength(child.label, wanted, at);
      node = shared === child.label.length ? child : split(node, child, shared);
      at += shared;
    }
    if (node[form].length === 0) node[form] = [value];
    else node[form].push(value);
  }

  /** To be called once, after the last pattern. */
  seal(): this {
    link(this.#root, undefined);
    return this;
  }

  /**
   * The last node that the text leads to. What matches is `exact` of that node if its depth is the length of the text,
   * and `prefix` of it and of all nodes above it.
   */
  find(text: string): TrieNode<T> {
    let node = this.#root;
    for (;;) {
      const { depth } = node;
      if (depth === text.length) return node;
      const child = node.children?.get(this.#codeAt(text, depth));
      if (child === undefined || child.depth > text.length) return node;
      const { label } = child;
      for (let at = 1; at < label.length; at += 1) {
        if (label.charCodeAt(at) !== this.#codeAt(text, depth + at)) return node;
      }
      node = child;
    }
  }

  #codeAt(text: string, at: number): number {
    return text.charCodeAt(this.#backwards ? text.length - 1 - at : at);
  }
}

/** Of a node that has none yet; never added to. */
const NONE: never[] = [];

function emptyNode<T>(label: string, depth: number): GrowingNode<T> {
  return { label, depth, exact: NONE, prefix: NONE, up: undefined, children: undefined };
}

function addLeaf<T>(parent: GrowingNode<T>, label: string): GrowingNode<T> {
  const leaf = emptyNode<T>(label, parent.depth + label.length);
  addChild(parent, leaf);
  return leaf;
}

function addChild<T>(parent: GrowingNode<T>, child: GrowingNode<T>): void {
  parent.children ??= new Map();
  parent.children.set(child.label.charCodeAt(0), child);
}

/** Puts a node into the middle of the edge to a child. */
function split<T>(parent: GrowingNode<T>, child: GrowingNode<T>, length: number): GrowingNode<T> {
  const middle = addLeaf(parent, child.label.slice(0, length));
  child.label = child.label.slice(length);
  addChild(middle, child);
  return middle;
}

function sharedLength(label: string, text: string, start: number): number {
  let length = 0;
  while (length < label.length && label.charCodeAt(length) === text.charCodeAt(start + length)) length += 1;
  return length;
}

function link<T>(node: GrowingNode<T>, up: GrowingNode<T> | undefined): void {
  node.up = up;
  const next = node.prefix.length > 0 ? node : up;
  for (const child of node.children?.values() ?? []) link(child, next);
}

/** By UTF-16 code units, as texts are compared. */
function reversed(text: string): string {
  let result = '';
  for (let index = text.length - 1; index >= 0; index -= 1) result += text.charAt(index);
  return result;
}
