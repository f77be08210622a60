import { RampartError } from '@rampart/core';
import type { KeyType, Signer } from './signer.ts';

/** Where signing keys live. Every implementation passes `keyStoreConformance`. */
export interface KeyStore {
  /**
   * Makes a new key, EC P-256 unless told otherwise, durable before this returns; never replaces one.
   * @throws RampartError ALREADY_EXISTS, INVALID_ARGUMENT (name), STORAGE_FAILED; an external service adds UPSTREAM_UNREACHABLE
   * and KEY_UNREADABLE.
   */
  create(name: string, keyType?: KeyType): Promise<Signer>;
  /**
   * The key of this name, or undefined when there is none.
   * @throws RampartError KEY_UNREADABLE when it is there and cannot be used, INVALID_ARGUMENT (name), UPSTREAM_UNREACHABLE
   * when an external service holds it and does not answer.
   */
  open(name: string): Promise<Signer | undefined>;
}

const KEY_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Names become file names and encryption context, so they are DNS labels: no dots, slashes or case. */
export function checkKeyName(name: string): void {
  if (KEY_NAME.test(name)) return;
  throw new RampartError(
    'INVALID_ARGUMENT',
    `key name ${JSON.stringify(name)} is not 1 to 63 characters of a-z, 0-9 and "-", beginning and ending with a letter or digit`,
  );
}

export function keyExists(name: string): RampartError {
  return new RampartError(
    'ALREADY_EXISTS',
    `there already is a key named "${name}"; open it, or create one under another name`,
  );
}
