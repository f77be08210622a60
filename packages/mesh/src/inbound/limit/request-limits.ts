import type { Clock, RequestLimit, WorkloadLimits } from '@rampart/core';

import type { MeshLog } from '../../log.ts';
import { ResponseFlag } from '../../record/flags.ts';
import { Permit } from '../authorize.ts';
import type { Answer } from '../request/answer.ts';
import type { InboundExchange } from '../request/exchange.ts';
import type { RequestFacts } from '../request/facts.ts';
import { LimitCounter } from './counter.ts';
import { limitAnswer } from './limit-answer.ts';
import type { Shortage } from './limit-answer.ts';
import type { Lease } from './shared/lease.ts';
import { QuotaDesk } from './shared/quota-desk.ts';
import { SharedTokens } from './shared/shared-tokens.ts';
import { OwnTokens } from './tokens.ts';
import type { Tokens } from './tokens.ts';

/** How often a rule found no room since this process began. */
export interface LimitHits {
  /** "namespace/name". */
  readonly policy: string;
  readonly rule: string;
  readonly isShadow: boolean;
  readonly refused: number;
}

export interface RequestLimitsOptions {
  readonly clock: Clock;
  readonly log: MeshLog;
  /** Where shares of shared limits come from; without it they are counted here. */
  readonly lease?: Lease;
}

interface Counted {
  readonly limit: RequestLimit;
  readonly counter: LimitCounter;
}

/** What one request holds of one rule. */
interface Holding extends Counted {
  readonly key: string;
  readonly isUnderWay: boolean;
}

/** What rules of SHADOW would have refused is reported as policies of a dry run are. */
const WOULD = 'DENY';

/** limit: whether a permitted request has room under every rule that is about it. Costs one look where there are none. */
export class RequestLimits {
  readonly #clock: Clock;
  readonly #desk: QuotaDesk | undefined;
  /** For others of this process, who ask through it. */
  readonly lease: Lease | undefined;
  readonly #hits = new Map<string, { limit: RequestLimit; refused: number }>();
  #limits: WorkloadLimits | undefined;
  #counted: readonly Counted[] = [];

  constructor({ clock, log, lease }: RequestLimitsOptions) {
    this.#clock = clock;
    this.lease = lease;
    this.#desk = lease === undefined ? undefined : new QuotaDesk({ clock, log, lease });
  }

  /** Rules that refused something, or in SHADOW would have. */
  get hits(): readonly LimitHits[] {
    return [...this.#hits.values()].map(({ limit: { policy, rule, isShadow }, refused }) => ({
      policy,
      rule,
      isShadow,
      refused,
    }));
  }

  /**
   * What a request has to wait for until `take` can tell whether it has room: this data plane's share of a shared limit. Undefined
   * for nothing, and for a request that policy would not let through: it is to take nothing from those that it does.
   */
  prepare({ connection }: InboundExchange, facts: RequestFacts): Promise<unknown> | undefined {
    const { limits } = connection.workload;
    if (!limits.hasShared || this.#desk === undefined) return undefined;
    if (Permit.judge(connection, facts, this.#clock.now()).denied) return undefined;
    if (limits !== this.#limits) this.#adopt(limits);
    const waits = this.#counted.flatMap(({ limit, counter }) => {
      if (!limit.isShared || !limit.isAbout(connection.attributes, facts)) return [];
      return counter.prepare(limit.keyOf(connection.attributes, facts)) ?? [];
    });
    return waits.length === 0 ? undefined : Promise.all(waits);
  }

  /** Takes room for a request, until it is on record; or says how it is to be answered. `Entry.by` asks this. */
  take(exchange: InboundExchange, facts: RequestFacts): Answer | undefined {
    const { connection } = exchange;
    const { limits } = connection.workload;
    if (limits.requests.length === 0) return undefined;
    if (limits !== this.#limits) this.#adopt(limits);
    const held: Holding[] = [];
    const would = new Set<string>();
    for (const counted of this.#counted) {
      const { limit } = counted;
      if (!limit.isAbout(connection.attributes, facts)) continue;
      const outcome = take(counted, limit.keyOf(connection.attributes, facts));
      if (!('of' in outcome)) {
        held.push(outcome);
        continue;
      }
      this.#note(limit);
      if (limit.isShadow) {
        would.add(limit.policy);
        continue;
      }
      for (const holding of held) giveBack(holding);
      exchange.flag = ResponseFlag.limited;
      return limitAnswer(outcome, exchange.verdict);
    }
    const underWay = held.filter(({ isUnderWay }) => isUnderWay);
    if (underWay.length > 0) exchange.onOver(() => underWay.forEach(({ counter, key }) => counter.leave(key)));
    if (would.size > 0) report(exchange, would);
    return undefined;
  }

  #adopt(limits: WorkloadLimits): void {
    const known = new Map(this.#counted.map(({ limit, counter }) => [limit.identity, counter]));
    this.#limits = limits;
    this.#counted = limits.requests.map((limit) => ({
      limit,
      counter: known.get(limit.identity) ?? new LimitCounter(this.#tokensOf(limit)),
    }));
  }

  #tokensOf(limit: RequestLimit): Tokens | undefined {
    const { rate, isShared } = limit;
    if (rate === undefined) return undefined;
    return isShared && this.#desk !== undefined
      ? new SharedTokens({ ...limit, rate }, { clock: this.#clock, desk: this.#desk })
      : new OwnTokens(rate, this.#clock);
  }

  #note(limit: RequestLimit): void {
    const name = `${limit.policy}\n${limit.rule}`;
    const { refused } = this.#hits.get(name) ?? { refused: 0 };
    this.#hits.set(name, { limit, refused: refused + 1 });
  }
}

function take({ limit, counter }: Counted, key: string): Holding | Shortage {
  const { concurrency } = limit;
  if (concurrency !== undefined && !counter.enter(key, concurrency)) return { limit, of: 'concurrency', waitMs: 0 };
  const waitMs = counter.take(key);
  if (waitMs === 0) return { limit, counter, key, isUnderWay: concurrency !== undefined };
  if (concurrency !== undefined) counter.leave(key);
  return { limit, of: 'rate', waitMs };
}

function giveBack({ counter, key, isUnderWay }: Holding): void {
  counter.giveBack(key);
  if (isUnderWay) counter.leave(key);
}

function report(exchange: InboundExchange, would: ReadonlySet<string>): void {
  const { verdict } = exchange;
  const dryRun = [...verdict.dryRun, ...[...would].map((policy) => ({ policy, would: WOULD }) as const)];
  exchange.verdict = { ...verdict, dryRun, dryRunDecision: WOULD };
}
