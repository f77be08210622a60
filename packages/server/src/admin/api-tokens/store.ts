import type { Role } from './role.ts';

/** The end of what has none: the last second that dates are written with four digits of a year for. */
export const NEVER_ENDS: number = Date.UTC(9999, 11, 31, 23, 59, 59);

/** A short-lived token of the API as it is kept: never the token itself. Times are Unix milliseconds. */
export interface ApiTokenRecord {
  /** Public part of the token. */
  readonly id: string;
  /** Who holds it. */
  readonly name: string;
  readonly role: Role;
  /** That its holder is of, for rules of the registry. */
  readonly teams: readonly string[];
  /** Hex SHA-256 of the whole token. */
  readonly tokenHash: string;
  readonly createdAt: number;
  /** First moment at which it is no longer accepted; `NEVER_ENDS` for one that lives until it is revoked. */
  readonly expiresAt: number;
  readonly createdBy: string;
}

/** Where tokens are kept. A method that changes something resolves once that is durable. */
export interface ApiTokenStore {
  all(): Promise<readonly ApiTokenRecord[]>;
  add(token: ApiTokenRecord): Promise<void>;
  /** The first moment at which it is no longer accepted comes sooner. */
  shorten(id: string, expiresAt: number): Promise<void>;
  remove(ids: readonly string[]): Promise<void>;
}
