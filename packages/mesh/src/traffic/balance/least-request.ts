import type { Random } from '@rampart/core';

import type { LeastRequestSettings } from '../settings/balancing.ts';
import type { Balancer } from './balancer.ts';
import { Draw } from './draw.ts';
import type { Member } from './member.ts';
import type { Warmth } from './warmth.ts';

const DEFAULT_CHOICES = 2;
/** Draws that may fall on the same instance again before it is left at that. */
const MOST_REPEATS = 4;

interface LeastRequestOptions {
  readonly settings: LeastRequestSettings;
  readonly warmth: Warmth | undefined;
  readonly random: Random;
}

/** Of a few different instances drawn at random, by weight, the one that costs least (power of two choices). */
export class LeastRequest implements Balancer {
  readonly #members: readonly Member[];
  readonly #warmth: Warmth | undefined;
  readonly #draw: Draw;
  readonly #random: Random;
  readonly #choices: number;
  readonly #byLatency: boolean;

  constructor(members: readonly Member[], { settings, warmth, random }: LeastRequestOptions) {
    this.#members = members;
    this.#warmth = warmth;
    this.#random = random;
    this.#choices = Math.min(settings.choices ?? DEFAULT_CHOICES, members.length);
    this.#byLatency = settings.cost !== 'active';
    this.#draw = new Draw(
      members.map(({ weight }) => weight),
      random,
    );
  }

  pick(now: number): Member | undefined {
    let best = this.#one(now);
    if (best === undefined || this.#choices <= 1) return best;
    let cost = this.#cost(best, now);
    for (let choice = 1; choice < this.#choices; choice += 1) {
      const other = this.#another(best, now);
      const otherCost = this.#cost(other, now);
      if (otherCost >= cost) continue;
      best = other;
      cost = otherCost;
    }
    return best;
  }

  /** An instance that is drawn against itself wins: where one in ten is slow, that would be one request in a hundred. */
  #another(than: Member, now: number): Member {
    for (let repeats = 0; repeats < MOST_REPEATS; repeats += 1) {
      const other = this.#one(now);
      if (other !== undefined && other !== than) return other;
    }
    const others = this.#members.length - 1;
    const place = Math.floor(this.#random() * others);
    const other = this.#members[place];
    return (other === than ? this.#members[others] : other) ?? than;
  }

  #one(now: number): Member | undefined {
    if (this.#warmth === undefined) return this.#members[this.#draw.next()];
    return this.#warmth.choose(now, () => this.#members[this.#draw.next()]);
  }

  #cost(member: Member, now: number): number {
    return this.#byLatency ? member.cost(now) : member.burden();
  }
}
