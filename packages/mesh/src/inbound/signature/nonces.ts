import type { OnceStanding } from '@rampart/core';

/** A signature that would be taken, if it came for the first time. */
export interface NonceClaim {
  /** SPIFFE ID. */
  readonly signer: string;
  readonly nonce: string;
  /** Unix milliseconds. */
  readonly created: number;
  /** How long after that it could be taken again by any policy in force, in milliseconds. */
  readonly keepMs: number;
  /** Whether what this instance remembers is enough while nobody says what came to the others. */
  readonly failOpen: boolean;
}

/** `unknown` where whoever remembers did not answer. */
export type NonceStanding = OnceStanding | 'unknown';

/** Remembers which signatures came. */
export interface Nonces {
  take(claim: NonceClaim): NonceStanding | Promise<NonceStanding>;
}
