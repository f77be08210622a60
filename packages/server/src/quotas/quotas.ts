import {
  BoundedCache,
  type Clock,
  LONGEST_LIMIT_KEY,
  type Rate,
  type RateLimit,
  rateOf,
  type Resource,
  TokenBuckets,
} from '@rampart/core';

/** The part of a workload that its quotas belong to. */
export interface QuotaHolder {
  readonly namespace: string;
  /** SPIFFE ID. */
  readonly identity: string;
}

/** What one data plane has use for. */
export interface Want {
  /** "namespace/name" of the RateLimit. */
  readonly policy: string;
  readonly rule: string;
  readonly key: string;
  /** Requests. */
  readonly tokens: number;
  /** Of earlier shares. */
  readonly unused: number;
}

export interface Share {
  readonly tokens: number;
  readonly validMs: number;
  readonly retryMs: number;
  readonly unknown: boolean;
}

export interface QuotasOptions {
  readonly rootNamespace: string;
  readonly clock: Pick<Clock, 'now'>;
  /** The resource in force with this key ("RateLimit/shop/limits"). */
  resource(key: string): Resource | undefined;
}

interface Quota {
  /** What its rate was made of. */
  readonly rate: Rate;
  readonly buckets: TokenBuckets;
}

/** How long a data plane may keep what it was given; what one of them has too much, others lack for that long at most. */
const SHARE_MS = 1000;
/** Rules times identities; each has counters of its own, so that no service can make another's be forgotten. */
const MOST_QUOTAS = 10_000;

const UNKNOWN: Share = { tokens: 0, validMs: 0, retryMs: 0, unknown: true };

/**
 * Shared limits: one bucket for each rule, each identity that enforces it, and each key. What is given out of it, less what comes
 * back unused, is never more than the burst and what has flowed in since.
 */
export class Quotas {
  readonly #options: QuotasOptions;
  readonly #quotas = new BoundedCache<string, Quota>(MOST_QUOTAS);

  constructor(options: QuotasOptions) {
    this.#options = options;
  }

  /** Gives a data plane its share of a quota of its own identity, which may be smaller than wanted, or nothing. */
  lease(holder: QuotaHolder, { policy, rule, key, tokens, unused }: Want): Share {
    // No data plane makes such names; they would be kept here in their thousands.
    const rate = key.length > LONGEST_LIMIT_KEY ? undefined : this.#rateOf(holder, policy, rule);
    if (rate === undefined) return UNKNOWN;
    const { buckets } = this.#quota(`${policy}\n${rule}\n${holder.identity}`, rate);
    if (unused > 0) buckets.giveBack(key, unused);
    const given = tokens === 0 ? { tokens: 0, waitMs: 0 } : buckets.takeSome(key, tokens);
    return { tokens: given.tokens, validMs: SHARE_MS, retryMs: given.waitMs, unknown: false };
  }

  #quota(name: string, rate: Rate): Quota {
    const known = this.#quotas.get(name);
    if (known !== undefined && known.rate.burst === rate.burst && known.rate.perSecond === rate.perSecond) return known;
    const quota = { rate, buckets: new TokenBuckets(rate, this.#options.clock) };
    this.#quotas.set(name, quota);
    return quota;
  }

  /** Of a shared rule that the holder's data planes can know of. */
  #rateOf({ namespace }: QuotaHolder, policy: string, name: string): Rate | undefined {
    const slash = policy.indexOf('/');
    const home = policy.slice(0, slash);
    if (home !== namespace && home !== this.#options.rootNamespace) return undefined;
    const resource = this.#options.resource(`RateLimit/${policy}`);
    if (resource?.kind !== 'RateLimit') return undefined;
    const rule = ruleOf(resource, name);
    return rule?.shared === true ? rateOf(rule) : undefined;
  }
}

function ruleOf({ spec }: RateLimit, name: string): NonNullable<RateLimit['spec']['rules']>[number] | undefined {
  return spec.rules?.find((rule) => rule.name === name);
}
