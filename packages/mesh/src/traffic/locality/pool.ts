import { createBalancer } from '../balance/balancer.ts';
import type { Balancer, BalancerOptions } from '../balance/balancer.ts';
import type { Member } from '../balance/member.ts';

/** Instances among which only the balancer chooses: all of a group, or those of one locality. */
export class Pool {
  readonly members: readonly Member[];
  readonly #options: BalancerOptions;
  #available: readonly Member[];
  #balancer: Balancer;

  constructor(members: readonly Member[], options: BalancerOptions) {
    this.members = members;
    this.#options = options;
    this.#available = members;
    this.#balancer = createBalancer(members, options);
  }

  get available(): number {
    return this.#available.length;
  }

  /** Share of its instances that are available, 0–1. */
  get health(): number {
    return this.members.length === 0 ? 0 : this.#available.length / this.members.length;
  }

  /** Leaves the rest out from now on. */
  use(available: readonly Member[]): void {
    if (available.length === this.#available.length && available.every((each, at) => each === this.#available[at]))
      return;
    this.#available = available;
    this.#balancer = createBalancer(available, this.#options);
  }

  find(fits: (member: Member) => boolean): Member | undefined {
    return this.#available.find((member) => fits(member));
  }

  pick(now: number, hash: number | undefined): Member | undefined {
    return this.#balancer.pick(now, hash);
  }
}
