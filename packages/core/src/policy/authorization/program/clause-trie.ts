import type { RequestAttributes } from '../../attributes.ts';
import { TextTrie, type Direction, type TrieNode } from '../../match/text-trie.ts';
import { holdsBesides, isBeginning, type Clause } from './clause.ts';

/** Clauses found by how a path begins, or ends. */
export class ClauseTrie<Outcome> {
  readonly #trie: TextTrie<Clause<Outcome>>;

  private constructor(trie: TextTrie<Clause<Outcome>>) {
    this.#trie = trie;
  }

  /** Those of the clauses, which come in their order, that ask for such a path; undefined when none does. */
  static of<Outcome>(clauses: readonly Clause<Outcome>[], direction: Direction): ClauseTrie<Outcome> | undefined {
    const isForwards = direction === 'forwards';
    const members = clauses.filter(({ form }) => (isForwards ? isBeginning(form) : form === 'suffix'));
    if (members.length === 0) return undefined;
    const trie = new TextTrie<Clause<Outcome>>(direction);
    for (const clause of members) trie.add(clause.text, clause.form === 'exact' ? 'exact' : 'prefix', clause);
    return new ClauseTrie(trie.seal());
  }

  /** The first clause that matches. Allocates nothing. */
  first(request: RequestAttributes, method: number): Clause<Outcome> | undefined {
    const found = this.#trie.find(request.path);
    let best: Clause<Outcome> | undefined;
    if (found.depth === request.path.length) best = firstOf(found.exact, request, method);
    for (let node: typeof found | undefined = found; node !== undefined; node = node.up) {
      const first = node.prefix[0];
      if (first === undefined || (best !== undefined && best.order <= first.order)) continue;
      const candidate = firstOf(node.prefix, request, method);
      if (candidate !== undefined && (best === undefined || candidate.order < best.order)) best = candidate;
    }
    return best;
  }

  /** Every clause that matches. */
  all(request: RequestAttributes, method: number): Clause<Outcome>[] {
    const found = this.#trie.find(request.path);
    const candidates = found.depth === request.path.length ? [...found.exact] : [];
    for (let node: TrieNode<Clause<Outcome>> | undefined = found; node !== undefined; node = node.up) {
      candidates.push(...node.prefix);
    }
    return candidates.filter((clause) => holds(clause, request, method));
  }
}

function firstOf<Outcome>(
  clauses: readonly Clause<Outcome>[],
  request: RequestAttributes,
  method: number,
): Clause<Outcome> | undefined {
  for (const clause of clauses) if (holds(clause, request, method)) return clause;
  return undefined;
}

/** Whether a clause found by its path matches. */
function holds(clause: Clause<unknown>, request: RequestAttributes, method: number): boolean {
  return (clause.methods & method) !== 0 && holdsBesides(clause, request);
}
