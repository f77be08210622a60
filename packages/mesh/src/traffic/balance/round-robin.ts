import type { Random } from '@rampart/core';

import type { Balancer } from './balancer.ts';
import type { Member } from './member.ts';
import type { Warmth } from './warmth.ts';

/** One after the other; where weights differ, the one whose turn is due first (earliest deadline first). */
export class RoundRobin implements Balancer {
  readonly #members: readonly Member[];
  readonly #warmth: Warmth | undefined;
  readonly #turns: Turns | undefined;
  #next: number;

  constructor(members: readonly Member[], warmth: Warmth | undefined, random: Random) {
    this.#members = members;
    this.#warmth = warmth;
    // Not all data planes begin with the same instance.
    this.#next = Math.floor(random() * members.length);
    const weight = members[0]?.weight;
    if (members.some((member) => member.weight !== weight)) this.#turns = new Turns(members, random);
  }

  pick(now: number): Member | undefined {
    return this.#warmth === undefined ? this.#turn() : this.#warmth.choose(now, () => this.#turn());
  }

  #turn(): Member | undefined {
    if (this.#turns !== undefined) return this.#members[this.#turns.next()];
    const member = this.#members[this.#next];
    this.#next = this.#next + 1 >= this.#members.length ? 0 : this.#next + 1;
    return member;
  }
}

/** A heap of whose turn is due when. */
class Turns {
  readonly #weights: readonly number[];
  /** Indices, the earliest deadline on top. */
  readonly #heap: number[];
  readonly #deadlines: number[];

  constructor(members: readonly Member[], random: Random) {
    this.#weights = members.map(({ weight }) => weight);
    this.#deadlines = this.#weights.map((weight) => random() / weight);
    this.#heap = [...this.#weights.keys()].sort((one, other) => this.#due(one) - this.#due(other));
  }

  next(): number {
    const top = this.#heap[0] ?? 0;
    this.#deadlines[top] = this.#due(top) + 1 / (this.#weights[top] ?? 1);
    this.#sink();
    return top;
  }

  #due(index: number): number {
    return this.#deadlines[index] ?? 0;
  }

  #sink(): void {
    const heap = this.#heap;
    const moved = heap[0] ?? 0;
    const due = this.#due(moved);
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && this.#due(right) < this.#due(left)) child += 1;
      const earlier = heap[child] ?? left;
      if (this.#due(earlier) >= due) break;
      heap[at] = earlier;
      at = child;
    }
    heap[at] = moved;
  }
}
