import type { RequestAttributes } from '../../attributes.ts';
import type { Clause } from './clause.ts';
import { earlier, isBeginning, takes } from './clause.ts';
import { ClauseTrie } from './clause-trie.ts';
import { METHOD_BITS } from './methods.ts';

/** Up to this many clauses are looked at one by one. */
const FEW = 12;
/** Positions beyond this one are not considered. */
const FARTHEST = 64;
/** What two clauses that differ are worth, next to one that asks for any character at all. */
const DIFFERENT = 4;

/** How clauses are found by how a path begins and ends, where they are too many to look at each. */
interface Tries<Outcome> {
  readonly beginnings: ClauseTrie<Outcome> | undefined;
  readonly endings: ClauseTrie<Outcome> | undefined;
}

/**
 * The clauses of some rules, first come first served. Few of them are looked at one by one: in front of each stand, as a
 * number, its methods and one character of its path, where the paths differ most, so that most are left out without a look
 * at the clause itself. Of many, one walk over the path leads to those worth a look.
 */
export class Program<Outcome> {
  /** By turns a number as `keyOf` makes it and the clause that it is about; side by side, to be one walk through memory. */
  readonly #steps: readonly (number | Clause<Outcome>)[];
  readonly #position: number;
  readonly #tries: Tries<Outcome> | undefined;
  readonly #shared: Program<Outcome> | undefined;

  /** Takes clauses in their order, and a program with others that stand among them. */
  constructor(clauses: readonly Clause<Outcome>[], shared?: Program<Outcome>) {
    const isFew = clauses.length <= FEW;
    const listed = isFew ? clauses : clauses.filter(({ form }) => form === 'any');
    const position = tellingPosition(listed);
    this.#steps = listed.flatMap((clause) => [keyOf(clause, position), clause]);
    this.#position = position;
    this.#shared = shared;
    this.#tries = isFew
      ? undefined
      : { beginnings: ClauseTrie.of(clauses, 'forwards'), endings: ClauseTrie.of(clauses, 'backwards') };
  }

  /** The first matching clause; `method` is the request's, as a bit. Allocates nothing. */
  first(request: RequestAttributes, method: number): Clause<Outcome> | undefined {
    let best = this.#firstListed(request, method);
    const tries = this.#tries;
    if (tries !== undefined) {
      best = earlier(best, tries.beginnings?.first(request, method));
      best = earlier(best, tries.endings?.first(request, method));
    }
    const shared = this.#shared;
    return shared === undefined ? best : earlier(best, shared.first(request, method));
  }

  /** What every matching clause leads to, in no order, some of it more than once. */
  all(request: RequestAttributes, method: number): Outcome[] {
    const listed = this.#steps.filter(
      (step): step is Clause<Outcome> =>
        typeof step !== 'number' && (step.methods & method) !== 0 && takes(step, request),
    );
    const outcomes = [
      ...listed,
      ...(this.#tries?.beginnings?.all(request, method) ?? []),
      ...(this.#tries?.endings?.all(request, method) ?? []),
    ].map(({ outcome }) => outcome);
    return this.#shared === undefined ? outcomes : [...outcomes, ...this.#shared.all(request, method)];
  }

  #firstListed(request: RequestAttributes, method: number): Clause<Outcome> | undefined {
    const steps = this.#steps;
    const character = request.path.charCodeAt(this.#position);
    for (let index = 0; index < steps.length; index += 2) {
      const key = steps[index] as number;
      const wanted = key >>> METHOD_BITS;
      if ((key & method) === 0 || (wanted !== 0 && wanted !== character)) continue;
      const clause = steps[index + 1] as Clause<Outcome>;
      if (takes(clause, request)) return clause;
    }
    return undefined;
  }
}

/** Methods in the low bits, above them the character at the position where the path has to have one; 0 for any. */
function keyOf({ methods, form, text }: Clause<unknown>, position: number): number {
  const isAsked = isBeginning(form) && position < text.length;
  return methods | ((isAsked ? text.charCodeAt(position) : 0) << METHOD_BITS);
}

/** The position at which the characters of exact paths and prefixes differ most. */
function tellingPosition(clauses: readonly Clause<unknown>[]): number {
  const texts = clauses.filter(({ form }) => isBeginning(form)).map(({ text }) => text);
  let best = { position: 0, told: 0 };
  for (let position = 0; position < FARTHEST; position += 1) {
    const characters = texts.filter((text) => position < text.length).map((text) => text.charCodeAt(position));
    if (characters.length === 0) break;
    const told = characters.length + DIFFERENT * new Set(characters).size;
    if (told > best.told) best = { position, told };
  }
  return best.position;
}
