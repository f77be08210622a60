import type { Role } from './role.ts';

/** A short-lived token of the API as it is kept: never the token itself. Times are Unix milliseconds. */
export interface ApiTokenRecord {
  /** Public part of the token. */
  readonly id: string;
  /** Who holds it. */
  readonly name: string;
  readonly role: Role;
  /** Hex SHA-256 of the whole token. */
  readonly tokenHash: string;
  readonly createdAt: number;
  /** First moment at which it is no longer accepted. */
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
