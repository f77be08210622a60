import type { Random } from '@rampart/core';

import { DEFAULT_BALANCER } from '../balance/balancer.ts';
import type { Member } from '../balance/member.ts';
import { Localities } from '../locality/localities.ts';
import { isFailure } from '../outlier/outcome.ts';
import type { Outcome } from '../outlier/outcome.ts';
import { Outliers } from '../outlier/outliers.ts';
import type { GroupPolicy } from '../settings/group-policy.ts';

export interface PickOptions {
  /** Of the request, where the balancer goes by it: 32 bits. */
  readonly hash?: number | undefined;
  /** Instances that were tried before, and are tried again only where there is no other. */
  readonly avoid?: ReadonlySet<Member> | undefined;
}

/** Times that another instance is drawn instead of one that was tried before (Istio's host selection attempts). */
const MOST_REDRAWS = 5;

/** The instances of a service, or of a subset of it, that requests to one port are shared among. */
export class Group {
  readonly members: readonly Member[];
  readonly policy: GroupPolicy;
  readonly #localities: Localities;
  readonly #outliers: Outliers | undefined;

  constructor(members: readonly Member[], policy: GroupPolicy, random: Random) {
    this.members = members;
    this.policy = policy;
    const { balancer = DEFAULT_BALANCER, warmup, outlier, locality } = policy;
    this.#outliers = outlier === undefined ? undefined : new Outliers(outlier, members);
    this.#localities = new Localities(members, locality, { settings: balancer, warmup, random });
    // Instances that were out before the service changed still are.
    if (members.some(({ ejectedUntil }) => ejectedUntil > 0)) this.#refresh();
  }

  /** Undefined where none may be given requests. */
  pick(now: number, { hash, avoid }: PickOptions = {}): Member | undefined {
    if (this.#outliers?.hasReturned(now) === true) this.#refresh(now);
    const first = this.#localities.pick(now, hash);
    if (first === undefined || avoid === undefined || !avoid.has(first)) return first;
    for (let redraws = 0; redraws < MOST_REDRAWS; redraws += 1) {
      const other = this.#localities.pick(now, undefined);
      if (other !== undefined && !avoid.has(other)) return other;
    }
    return this.#localities.find((member) => !avoid.has(member)) ?? first;
  }

  /** Counts one try. Returns true when its instance is out from now on. */
  saw(member: Member, outcome: Outcome, now: number): boolean {
    if (isFailure(outcome)) member.latency.observeFailure(outcome.milliseconds, now);
    else member.latency.observe(outcome.milliseconds, now);
    return this.judge(member, outcome, now);
  }

  /** The same for a connection, which says nothing of how long requests take. */
  judge(member: Member, outcome: Outcome, now: number): boolean {
    if (this.#outliers?.saw(member, outcome, now) !== true) return false;
    this.#refresh(now);
    return true;
  }

  /** Instances that are given requests. */
  get available(): number {
    return this.#localities.available;
  }

  /** Those that are out because of how they answered. */
  ejected(now: number): readonly Member[] {
    const outliers = this.#outliers;
    return outliers === undefined ? [] : this.members.filter((member) => outliers.isOut(member, now));
  }

  /** Why `pick` finds nobody. */
  whyNobody(): string {
    const { length } = this.members;
    if (length === 0) return 'none is there';
    if (length === 1) return 'the only one is ejected for the errors that it answered with';
    return `all ${length} are ejected for the errors that they answered with`;
  }

  #refresh(now = 0): void {
    const outliers = this.#outliers;
    if (outliers === undefined) return;
    const isAvailable = (member: Member): boolean => !outliers.isOut(member, now);
    const available = this.members.filter(isAvailable).length;
    this.#localities.use(outliers.isPanic(available) ? () => true : isAvailable);
  }
}
