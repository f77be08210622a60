import { hash, randomBytes } from 'node:crypto';
import { RampartError } from '@rampart/core';
import type { Clock, SpiffeId } from '@rampart/core';
import type { AuthorityStore, ClaimedJoinToken, JoinTokenClaim, WorkloadIdentity } from '../store.ts';

/** A join token that was just made: the only moment at which its text is known here. */
export interface JoinToken {
  /** Secret: "rjt_" and 32 random bytes in base64url. */
  readonly token: string;
  readonly spiffeId: SpiffeId;
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

export interface JoinTokenRequest {
  /** Undefined for an agent. */
  readonly workload: WorkloadIdentity | undefined;
  readonly spiffeId: SpiffeId;
  readonly ttlSeconds: number;
}

/** What became of an attempt to use a join token. */
export type Redemption<T> =
  | { readonly outcome: 'redeemed'; readonly value: T }
  | Exclude<JoinTokenClaim, ClaimedJoinToken>;

const PREFIX = 'rjt_';
const SECRET_BYTES = 32;
const TOKEN = /^rjt_[A-Za-z0-9_-]{43}$/;
const MAX_TTL_SECONDS = 7 * 24 * 3600;

/** One-use secrets that vouch for a workload's first certificate. Only their SHA-256 is kept. */
export class JoinTokens {
  readonly #store: AuthorityStore;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(store: AuthorityStore, clock: Pick<Clock, 'now'>) {
    this.#store = store;
    this.#clock = clock;
  }

  async create({ workload, spiffeId, ttlSeconds }: JoinTokenRequest): Promise<JoinToken> {
    if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > MAX_TTL_SECONDS) {
      throw new RampartError(
        'INVALID_ARGUMENT',
        `the life of a join token must be 1 to ${MAX_TTL_SECONDS} whole seconds`,
      );
    }
    const token = PREFIX + randomBytes(SECRET_BYTES).toString('base64url');
    const createdAt = this.#clock.now();
    const expiresAt = createdAt + ttlSeconds * 1000;
    await this.#store.addJoinToken({
      tokenHash: hashOf(token),
      ...(workload === undefined ? {} : { workload }),
      spiffeId: spiffeId.toString(),
      createdAt,
      expiresAt,
    });
    return { token, spiffeId, expiresAt };
  }

  /**
   * Has a token vouch for what `vouched` makes durable together with its use. Of any number of callers with the same token at most one
   * is told `redeemed`; where `vouched` fails, so does the call, and the token is as good as before.
   */
  async redeem<T>(token: string, vouched: (claim: ClaimedJoinToken) => Promise<T>): Promise<Redemption<T>> {
    if (!TOKEN.test(token)) return { outcome: 'unknown' };
    const claim = await this.#store.claimJoinToken(hashOf(token), this.#clock.now());
    if (claim.outcome !== 'claimed') return claim;
    try {
      return { outcome: 'redeemed', value: await vouched(claim) };
    } finally {
      claim.release();
    }
  }
}

/** Names a token in records without giving it away; "" for text that is no token, because it may be a secret worth guessing. */
export function tokenId(token: string): string {
  return TOKEN.test(token) ? idOfHash(hashOf(token)) : '';
}

/** The same of a token that is known by its hash. */
export function idOfHash(tokenHash: string): string {
  return tokenHash.slice(0, 12);
}

// A plain hash is enough for a secret of 256 random bits: there is nothing to guess.
function hashOf(token: string): string {
  return hash('sha256', token, 'hex');
}
