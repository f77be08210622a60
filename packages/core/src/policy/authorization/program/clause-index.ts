import type { RequestAttributes } from '../../attributes.ts';
import { TextTrie, type Direction, type TrieNode } from '../../match/text-trie.ts';
import { holds, holdsBesidesPath, type Clause } from './clause.ts';

/** Up to this many clauses are looked at one by one. */
const FEW = 6;

/** The clauses of one action on one connection, found by the path of a request. */
export class ClauseIndex<Outcome> {
  /** Those looked at for every request, in order. */
  readonly #plain: readonly Clause<Outcome>[];
  readonly #beginnings: TextTrie<Clause<Outcome>> | undefined;
  readonly #endings: TextTrie<Clause<Outcome>> | undefined;

  /** Takes clauses in their order. */
  constructor(clauses: readonly Clause<Outcome>[]) {
    const isFew = clauses.length <= FEW;
    this.#plain = isFew ? clauses : clauses.filter(({ path }) => path.form === 'any');
    this.#beginnings = isFew ? undefined : trieOf(clauses, 'forwards');
    this.#endings = isFew ? undefined : trieOf(clauses, 'backwards');
  }

  /** What the first matching clause leads to; `method` is the request's, as a bit. Allocates nothing. */
  first(request: RequestAttributes, method: number): Outcome | undefined {
    let best = firstOf(this.#plain, request, method);
    if (this.#beginnings !== undefined) {
      best = earlier(best, firstUp(this.#beginnings.find(request.path), request, method));
    }
    if (this.#endings !== undefined) {
      best = earlier(best, firstUp(this.#endings.find(request.path), request, method));
    }
    return best?.outcome;
  }

  /** What every matching clause leads to, in no order, some of it more than once. */
  all(request: RequestAttributes, method: number): Outcome[] {
    const found: Outcome[] = [];
    for (const clause of this.#plain) if (holds(clause, method, request)) found.push(clause.outcome);
    const collect = (clauses: readonly Clause<Outcome>[]): void => {
      for (const clause of clauses) if (holdsBesidesPath(clause, method, request)) found.push(clause.outcome);
    };
    for (const trie of [this.#beginnings, this.#endings]) {
      let node: TrieNode<Clause<Outcome>> | undefined = trie?.find(request.path);
      if (node?.depth === request.path.length) collect(node.exact);
      for (; node !== undefined; node = node.up) collect(node.prefix);
    }
    return found;
  }
}

function trieOf<Outcome>(
  clauses: readonly Clause<Outcome>[],
  direction: Direction,
): TextTrie<Clause<Outcome>> | undefined {
  const affix = direction === 'forwards' ? 'prefix' : 'suffix';
  const trie = new TextTrie<Clause<Outcome>>(direction);
  let isEmpty = true;
  for (const clause of clauses) {
    const { form, text } = clause.path;
    if (form !== affix && (form !== 'exact' || direction === 'backwards')) continue;
    trie.add(text, form === 'exact' ? 'exact' : 'prefix', clause);
    isEmpty = false;
  }
  return isEmpty ? undefined : trie.seal();
}

function firstOf<Outcome>(
  clauses: readonly Clause<Outcome>[],
  request: RequestAttributes,
  method: number,
): Clause<Outcome> | undefined {
  for (const clause of clauses) if (holds(clause, method, request)) return clause;
  return undefined;
}

/** The first clause among those at a node and above it. */
function firstUp<Outcome>(
  found: TrieNode<Clause<Outcome>>,
  request: RequestAttributes,
  method: number,
): Clause<Outcome> | undefined {
  let best: Clause<Outcome> | undefined;
  if (found.depth === request.path.length) best = firstBesidesPath(found.exact, request, method);
  for (let node: typeof found | undefined = found; node !== undefined; node = node.up) {
    const [first] = node.prefix;
    if (first === undefined || (best !== undefined && best.order <= first.order)) continue;
    best = earlier(best, firstBesidesPath(node.prefix, request, method));
  }
  return best;
}

function firstBesidesPath<Outcome>(
  clauses: readonly Clause<Outcome>[],
  request: RequestAttributes,
  method: number,
): Clause<Outcome> | undefined {
  for (const clause of clauses) if (holdsBesidesPath(clause, method, request)) return clause;
  return undefined;
}

function earlier<Outcome>(a: Clause<Outcome> | undefined, b: Clause<Outcome> | undefined): Clause<Outcome> | undefined {
  if (a === undefined) return b;
  return b === undefined || a.order <= b.order ? a : b;
}
