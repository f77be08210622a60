import type { Random } from '@rampart/core';

import type { WarmupSettings } from '../settings/balancing.ts';
import type { Member } from './member.ts';

const DEFAULT_MINIMUM = 0.1;

/** How often an instance that is still cold may be passed over for one choice. */
const MOST_PASSES = 16;

/** Gives new instances their share little by little: the colder one is, the likelier it is passed over. */
export class Warmth {
  readonly #settings: WarmupSettings;
  readonly #random: Random;
  /** From then on every instance is warm. */
  readonly #warmFrom: number;

  constructor(settings: WarmupSettings, members: readonly Member[], random: Random) {
    this.#settings = settings;
    this.#random = random;
    let newest = Number.NEGATIVE_INFINITY;
    for (const { since } of members) newest = Math.max(newest, since);
    this.#warmFrom = newest + settings.durationMs;
  }

  /** 0–1: which share of its weight an instance is given. */
  of(member: Member, now: number): number {
    const { durationMs, minimum = DEFAULT_MINIMUM, aggression = 1 } = this.#settings;
    const age = (now - member.since) / durationMs;
    if (age >= 1) return 1;
    return Math.max(minimum, Math.max(0, age) ** (1 / aggression));
  }

  /** Chooses again while what was chosen is too cold. */
  choose(now: number, draw: () => Member | undefined): Member | undefined {
    let member = draw();
    if (now >= this.#warmFrom) return member;
    for (let passes = 0; member !== undefined && passes < MOST_PASSES; passes += 1) {
      const share = this.of(member, now);
      if (share >= 1 || this.#random() < share) return member;
      member = draw();
    }
    return member;
  }
}
