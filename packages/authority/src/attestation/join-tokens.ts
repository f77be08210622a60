import { hash, randomBytes } from 'node:crypto';
import { RampartError } from '@rampart/core';
import type { Clock, SpiffeId } from '@rampart/core';
import type { AuthorityStore, JoinTokenConsumption, WorkloadIdentity } from '../store.ts';

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

  /** Of any number of callers with the same token at most one is told `consumed`. */
  async consume(token: string): Promise<JoinTokenConsumption> {
    if (!TOKEN.test(token)) return { outcome: 'unknown' };
    return this.#store.consumeJoinToken(hashOf(token), this.#clock.now());
  }
}

/** Names a token in records without giving it away; "" for text that is no token, because it may be a secret worth guessing. */
export function tokenId(token: string): string {
  return TOKEN.test(token) ? hashOf(token).slice(0, 12) : '';
}

// A plain hash is enough for a secret of 256 random bits: there is nothing to guess.
function hashOf(token: string): string {
  return hash('sha256', token, 'hex');
}
