import type { Random } from '@rampart/core';

import type { Balancer } from './balancer.ts';
import { Draw } from './draw.ts';
import type { Member } from './member.ts';
import type { Warmth } from './warmth.ts';

/** Any instance, each as likely as its weight. */
export class RandomChoice implements Balancer {
  readonly #members: readonly Member[];
  readonly #warmth: Warmth | undefined;
  readonly #draw: Draw;

  constructor(members: readonly Member[], warmth: Warmth | undefined, random: Random) {
    this.#members = members;
    this.#warmth = warmth;
    this.#draw = new Draw(
      members.map(({ weight }) => weight),
      random,
    );
  }

  pick(now: number): Member | undefined {
    const draw = (): Member | undefined => this.#members[this.#draw.next()];
    return this.#warmth === undefined ? draw() : this.#warmth.choose(now, draw);
  }
}
