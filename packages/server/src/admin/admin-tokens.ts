import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '@rampart/core';
import { digestOf, rememberDigest } from './token-digest.ts';

/** An operator's token as it is kept: never the token itself. */
export interface AdminTokenRecord {
  readonly name: string;
  /** Hex SHA-256. */
  readonly tokenHash: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
}

/** Where admin tokens are kept. `put` replaces the token of the same name and resolves once that is durable. */
export interface AdminTokenStore {
  all(): Promise<readonly AdminTokenRecord[]>;
  put(token: AdminTokenRecord): Promise<void>;
}

const TOKEN_BYTES = 32;
const PREFIX = 'rampart-admin-';

/** The bearer tokens of operators. They are random and long, so that a plain hash protects them at rest. */
export class AdminTokens {
  readonly #store: AdminTokenStore;
  readonly #clock: Clock;
  readonly #hashes: Map<string, Buffer>;

  private constructor(store: AdminTokenStore, clock: Clock, hashes: Map<string, Buffer>) {
    this.#store = store;
    this.#clock = clock;
    this.#hashes = hashes;
  }

  static async open(store: AdminTokenStore, clock: Clock): Promise<AdminTokens> {
    const known = await store.all();
    return new AdminTokens(
      store,
      clock,
      new Map(known.map(({ name, tokenHash }) => [name, Buffer.from(tokenHash, 'hex')])),
    );
  }

  /** Makes the token of this name, in place of an earlier one, and returns it: the only time it is seen. */
  async create(name: string): Promise<string> {
    const token = PREFIX + randomBytes(TOKEN_BYTES).toString('base64url');
    const digest = digestOf(token);
    await this.#store.put({ name, tokenHash: digest.toString('hex'), createdAt: this.#clock.now() });
    this.#hashes.set(name, digest);
    return token;
  }

  /** Name of the token; undefined for one that nobody was given. Takes the same time for every wrong token. */
  nameOf(token: string): string | undefined {
    const digest = digestOf(token);
    let found: string | undefined;
    for (const [name, known] of this.#hashes) {
      if (timingSafeEqual(digest, known)) {
        found = name;
      }
    }
    if (found !== undefined) rememberDigest(token, digest);
    return found;
  }
}
