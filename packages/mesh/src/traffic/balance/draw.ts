import type { Random } from '@rampart/core';

/** Draws an index, each as likely as its weight, in the same time however many there are (Vose's alias method). */
export class Draw {
  readonly #random: Random;
  readonly #size: number;
  /** Of each place: how likely it is itself. Absent where all weigh the same. */
  readonly #keep: Float64Array | undefined;
  readonly #alias: Uint32Array | undefined;

  constructor(weights: readonly number[], random: Random) {
    this.#random = random;
    this.#size = weights.length;
    const [first] = weights;
    if (weights.every((weight) => weight === first)) return;
    const { keep, alias } = tables(weights);
    this.#keep = keep;
    this.#alias = alias;
  }

  next(): number {
    const place = Math.floor(this.#random() * this.#size);
    if (this.#keep === undefined || this.#alias === undefined) return place;
    return this.#random() < (this.#keep[place] ?? 1) ? place : (this.#alias[place] ?? place);
  }
}

function tables(weights: readonly number[]): { readonly keep: Float64Array; readonly alias: Uint32Array } {
  const size = weights.length;
  let total = 0;
  for (const weight of weights) total += weight;
  const scaled = Float64Array.from(weights, (weight) => (weight * size) / total);
  const keep = new Float64Array(size).fill(1);
  const alias = Uint32Array.from({ length: size }, (_, index) => index);
  const small: number[] = [];
  const large: number[] = [];
  for (const [index, share] of scaled.entries()) (share < 1 ? small : large).push(index);
  for (let less = small.pop(), more = large.at(-1); less !== undefined && more !== undefined;) {
    keep[less] = scaled[less] ?? 1;
    alias[less] = more;
    const left = (scaled[more] ?? 1) - (1 - (scaled[less] ?? 1));
    scaled[more] = left;
    if (left < 1) {
      large.pop();
      small.push(more);
    }
    less = small.pop();
    more = large.at(-1);
  }
  return { keep, alias };
}
