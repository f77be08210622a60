import type { Random } from '@rampart/core';

import type { BalancerOptions } from '../balance/balancer.ts';
import type { Member } from '../balance/member.ts';
import type { LocalitySettings } from '../settings/balancing.ts';
import { distance, localityOf, localityText, matchesLocality } from './instance-locality.ts';
import { Pool } from './pool.ts';
import { sharesByPriority, sharesByWeight } from './shares.ts';

/** The pools of a group, and how many of its requests each is given: by distance, by weights, or all in one. */
export class Localities {
  readonly pools: readonly Pool[];
  readonly #random: Random;
  /** Of each pool; undefined where they are used in the order of their distance. */
  readonly #weights: readonly number[] | undefined;
  #shares: readonly number[] = [];

  constructor(members: readonly Member[], settings: LocalitySettings | undefined, options: BalancerOptions) {
    this.#random = options.random;
    if (settings === undefined) this.pools = [new Pool(members, options)];
    else if (settings.distribute === undefined) {
      const near = grouped(members, (member) =>
        String(distance(settings.own, localityOf(member.endpoint), settings.failover)),
      );
      const order = [...near.keys()].sort();
      this.pools = order.map((key) => new Pool(near.get(key) ?? [], options));
    } else {
      const places = grouped(members, (member) => localityText(localityOf(member.endpoint)));
      const entries = [...places.values()];
      this.pools = entries.map((each) => new Pool(each, options));
      this.#weights = weightsOf(entries, settings.distribute);
    }
    this.#share();
  }

  get available(): number {
    return this.pools.reduce((sum, { available }) => sum + available, 0);
  }

  /** Leaves out all that is not available from now on. */
  use(isAvailable: (member: Member) => boolean): void {
    for (const pool of this.pools) pool.use(pool.members.filter((member) => isAvailable(member)));
    this.#share();
  }

  pick(now: number, hash: number | undefined): Member | undefined {
    const { pools } = this;
    const [only] = pools;
    if (pools.length <= 1) return only?.pick(now, hash);
    return this.#drawn()?.pick(now, hash);
  }

  /** The first available one that fits, the nearest first. */
  find(fits: (member: Member) => boolean): Member | undefined {
    for (const [index, pool] of this.pools.entries()) {
      const found = (this.#shares[index] ?? 0) > 0 ? pool.find(fits) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #drawn(): Pool | undefined {
    let left = this.#random();
    let last: Pool | undefined;
    for (const [index, share] of this.#shares.entries()) {
      if (share <= 0) continue;
      last = this.pools[index];
      left -= share;
      if (left < 0) break;
    }
    return last;
  }

  #share(): void {
    const healths = this.pools.map(({ health }) => health);
    this.#shares = this.#weights === undefined ? sharesByPriority(healths) : sharesByWeight(this.#weights, healths);
  }
}

function grouped(members: readonly Member[], keyOf: (member: Member) => string): Map<string, Member[]> {
  const groups = new Map<string, Member[]>();
  for (const member of members) {
    const key = keyOf(member);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [member]);
    else group.push(member);
  }
  return groups;
}

/** A rule that is about several localities shares its weight among them by their instances. */
function weightsOf(
  places: readonly (readonly Member[])[],
  rules: NonNullable<LocalitySettings['distribute']>,
): number[] {
  const ruleOf = places.map(([first]) =>
    rules.findIndex(({ to }) => first !== undefined && matchesLocality(to, localityOf(first.endpoint))),
  );
  return places.map((place, index) => {
    const rule = ruleOf[index] ?? -1;
    const all = places.reduce((sum, other, at) => (ruleOf[at] === rule ? sum + other.length : sum), 0);
    return ((rules[rule]?.weight ?? 0) * place.length) / all;
  });
}
