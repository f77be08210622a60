import type { RequestAttributes } from '../../attributes.ts';
import type { Clause } from './clause.ts';
import { isBeginning, takes } from './clause.ts';
import { ClauseTrie } from './clause-trie.ts';
import { METHOD_BITS } from './methods.ts';

/** Up to this many clauses are looked at one by one. */
const FEW = 12;

/**
 * The clauses of some rules, first come first served. Few of them are looked at one by one: their methods and one
 * character of their paths, where these part ways, lie side by side as numbers, so that most are left out without a look
 * at the clause itself. Of many, one walk over the path leads to those worth a look.
 */
export class Program<Outcome> {
  readonly #keys: readonly number[];
  readonly #clauses: readonly Clause<Outcome>[];
  readonly #position: number;
  readonly #beginnings: ClauseTrie<Outcome> | undefined;
  readonly #endings: ClauseTrie<Outcome> | undefined;

  /** Takes clauses in their order. */
  constructor(clauses: readonly Clause<Outcome>[]) {
    const isFew = clauses.length <= FEW;
    this.#clauses = isFew ? clauses : clauses.filter(({ form }) => form === 'any');
    this.#position = parting(this.#clauses);
    this.#keys = this.#clauses.map((clause) => keyOf(clause, this.#position));
    this.#beginnings = isFew ? undefined : ClauseTrie.of(clauses, 'forwards');
    this.#endings = isFew ? undefined : ClauseTrie.of(clauses, 'backwards');
  }

  /** What the first matching clause leads to; `method` is the request's, as a bit. Allocates nothing. */
  first(request: RequestAttributes, method: number): Outcome | undefined {
    let best = this.#firstListed(request, method);
    if (this.#beginnings !== undefined) best = earlier(best, this.#beginnings.first(request, method));
    if (this.#endings !== undefined) best = earlier(best, this.#endings.first(request, method));
    return best?.outcome;
  }

  /** What every matching clause leads to, in no order, some of it more than once. */
  all(request: RequestAttributes, method: number): Outcome[] {
    const listed = this.#clauses.filter((clause) => (clause.methods & method) !== 0 && takes(clause, request));
    return [
      ...listed,
      ...(this.#beginnings?.all(request, method) ?? []),
      ...(this.#endings?.all(request, method) ?? []),
    ].map(({ outcome }) => outcome);
  }

  #firstListed(request: RequestAttributes, method: number): Clause<Outcome> | undefined {
    const keys = this.#keys;
    const character = request.path.charCodeAt(this.#position);
    for (let index = 0; index < keys.length; index += 1) {
      const key = keys[index] ?? 0;
      const wanted = key >>> METHOD_BITS;
      if ((key & method) === 0 || (wanted !== 0 && wanted !== character)) continue;
      const clause = this.#clauses[index];
      if (clause !== undefined && takes(clause, request)) return clause;
    }
    return undefined;
  }
}

/** Methods in the low bits, above them the character at the position where the path has to have one; 0 for any. */
function keyOf({ methods, form, text }: Clause<unknown>, position: number): number {
  const isAsked = isBeginning(form) && position < text.length;
  return methods | ((isAsked ? text.charCodeAt(position) : 0) << METHOD_BITS);
}

/** How long a beginning the exact paths and prefixes share, or the last position of the shortest. */
function parting(clauses: readonly Clause<unknown>[]): number {
  const beginnings = clauses.filter(({ form }) => isBeginning(form));
  const [first, ...others] = beginnings.map(({ text }) => text);
  if (first === undefined) return 0;
  let length = 0;
  while (length < first.length && others.every((text) => text[length] === first[length])) length += 1;
  return length === first.length ? Math.max(0, length - 1) : length;
}

function earlier<Outcome>(a: Clause<Outcome> | undefined, b: Clause<Outcome> | undefined): Clause<Outcome> | undefined {
  if (a === undefined) return b;
  return b === undefined || a.order <= b.order ? a : b;
}
