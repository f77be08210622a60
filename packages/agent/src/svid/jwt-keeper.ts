import { BoundedCache, fail, ok, TokenBuckets } from '@rampart/core';
import type { Clock, Result } from '@rampart/core';
import { parseJwtSvid } from '@rampart/spiffe';

import type { IssuanceProblem } from '../control/issuance.ts';
import type { HostEntry } from '../entries/host-entry.ts';
import type { HostView } from '../entries/host-view.ts';
import type { IssuedToken } from './workload-svid.ts';

export interface JwtKeeperOptions {
  readonly view: HostView;
  readonly clock: Pick<Clock, 'now'>;
  issue(entry: HostEntry, audiences: readonly string[]): Promise<Result<IssuedToken, IssuanceProblem>>;
}

interface Kept extends IssuedToken {
  /** Unix milliseconds. */
  readonly renewAt: number;
  readonly keyId: string | undefined;
}

const LIMIT = 1_000;
/**
 * New tokens of one identity. An audience may be any text: without this, one workload could spend all that the control plane signs for
 * this host, and fill the ledger.
 */
const NEW_TOKENS = { perSecond: 20, burst: 100 } as const;
const TOO_MANY: IssuanceProblem = { kind: 'unavailable', message: 'too many tokens of one identity; try again later' };

/** JWT-SVIDs that were asked for, handed out again until half of their life is over, and longer while no other can be had. */
export class JwtKeeper {
  readonly #options: JwtKeeperOptions;
  readonly #kept = new BoundedCache<string, Kept>(LIMIT);
  readonly #pending = new Map<string, Promise<Result<IssuedToken, IssuanceProblem>>>();
  /** By entry. */
  readonly #budgets: TokenBuckets;

  constructor(options: JwtKeeperOptions) {
    this.#options = options;
    this.#budgets = new TokenBuckets(NEW_TOKENS, options.clock);
  }

  async get(entry: HostEntry, audiences: readonly string[]): Promise<Result<IssuedToken, IssuanceProblem>> {
    const { clock } = this.#options;
    const key = JSON.stringify([entry.id, entry.terms, ...audiences]);
    const found = this.#kept.get(key);
    const kept = found !== undefined && this.#isUsable(found, entry) ? found : undefined;
    if (kept !== undefined && clock.now() < kept.renewAt) return ok(kept);
    const issued = await this.#issue(key, entry, audiences);
    if (issued.ok || issued.problem.kind === 'refused') return issued;
    return kept !== undefined && clock.now() < kept.expiresAt ? ok(kept) : issued;
  }

  /** A token whose key was taken out of the bundle convinces nobody. */
  #isUsable({ issuedAt, expiresAt, keyId }: Kept, { spiffeId }: HostEntry): boolean {
    const { clock, view } = this.#options;
    if (view.isTokenRevoked({ spiffeId, issuedAt })) return false;
    const authorities = view.bundle(spiffeId.trustDomain.name)?.jwtAuthorities ?? [];
    return clock.now() < expiresAt && authorities.some((authority) => authority.keyId === keyId);
  }

  #issue(key: string, entry: HostEntry, audiences: readonly string[]): Promise<Result<IssuedToken, IssuanceProblem>> {
    const running = this.#pending.get(key);
    if (running !== undefined) return running;
    if (this.#budgets.take(entry.id) > 0) return Promise.resolve(fail(TOO_MANY));
    const pending = this.#options
      .issue(entry, audiences)
      .then((issued) => {
        if (issued.ok) this.#keep(key, issued.value);
        return issued;
      })
      .finally(() => this.#pending.delete(key));
    this.#pending.set(key, pending);
    return pending;
  }

  #keep(key: string, token: IssuedToken): void {
    const now = this.#options.clock.now();
    const parsed = parseJwtSvid(token.token);
    const renewAt = now + (token.expiresAt - now) / 2;
    this.#kept.set(key, { ...token, renewAt, keyId: parsed.ok ? parsed.value.keyId : undefined });
  }
}
