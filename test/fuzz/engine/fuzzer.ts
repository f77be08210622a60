import { Dice } from './dice.ts';
import { mutate } from './mutate.ts';
import type { FuzzTarget } from './target.ts';

/** Longer than this for one input, and somebody outside can hold a process up. */
const SLOW_MS = 2_000;
const LARGEST_CORPUS = 2_000;
const SHORTENING_MS = 10_000;

export interface Finding {
  readonly target: string;
  readonly input: Uint8Array;
  readonly problem: string;
}

/** What one input does to a target: undefined when all is well. */
export function tryInput(
  target: FuzzTarget,
  input: Uint8Array,
): { readonly finding?: Finding; readonly outcome: string } {
  const startedAt = performance.now();
  let outcome = '';
  let problem: string | undefined;
  try {
    outcome = target.run(input);
  } catch (cause) {
    problem = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  }
  const elapsed = performance.now() - startedAt;
  if (problem === undefined && elapsed > SLOW_MS) problem = `took ${elapsed.toFixed(0)} ms for ${input.length} bytes`;
  return problem === undefined ? { outcome } : { outcome, finding: { target: target.name, input, problem } };
}

/**
 * Mutates inputs of a corpus that grows by every input with an outcome not met before: no instrumentation, so it works
 * on whatever runs, and a seed gives the same inputs again.
 */
export class Fuzzer {
  readonly #target: FuzzTarget;
  readonly #dice: Dice;
  readonly #corpus: Uint8Array[];
  readonly #outcomes = new Set<string>();
  #next = 0;

  constructor(target: FuzzTarget, seed: number) {
    this.#target = target;
    this.#dice = new Dice(seed);
    this.#corpus = target.seeds.map((input) => new Uint8Array(Buffer.from(input)));
  }

  /** How many kinds of outcome were met. */
  get outcomes(): number {
    return this.#outcomes.size;
  }

  /** Tries one input; the seeds as they are come first. */
  step(): Finding | undefined {
    const input =
      this.#corpus[this.#next] === undefined || this.#next >= this.#target.seeds.length
        ? this.#mutant()
        : this.#corpus[this.#next];
    this.#next += 1;
    if (input === undefined) throw new Error(`${this.#target.name} has no seeds`);
    const { finding, outcome } = tryInput(this.#target, input);
    if (finding === undefined && !this.#outcomes.has(outcome) && this.#corpus.length < LARGEST_CORPUS) {
      this.#outcomes.add(outcome);
      this.#corpus.push(input);
    }
    return finding;
  }

  #mutant(): Uint8Array {
    const dice = this.#dice;
    return mutate(dice.pick(this.#corpus), { dice, target: this.#target, other: dice.pick(this.#corpus) });
  }
}

/** The shortest input found that still goes wrong in the same way, by leaving out ever smaller pieces. */
export function shortened(target: FuzzTarget, finding: Finding): Finding {
  const firstLine = (problem: string): string => problem.split('\n', 1)[0] ?? '';
  let best = finding;
  const until = performance.now() + SHORTENING_MS;
  for (let size = best.input.length >> 1; size >= 1; size >>= 1) {
    for (let start = 0; start < best.input.length && performance.now() < until; start += size) {
      const input = Buffer.concat([best.input.subarray(0, start), best.input.subarray(start + size)]);
      const next = tryInput(target, new Uint8Array(input)).finding;
      if (next === undefined || firstLine(next.problem) !== firstLine(finding.problem)) continue;
      best = next;
      start -= size;
    }
  }
  return best;
}
