/** A signature that would be taken, if it came for the first time. */
export interface NonceClaim {
  /** SPIFFE ID. */
  readonly signer: string;
  readonly nonce: string;
  /** Unix milliseconds. */
  readonly created: number;
  /** How long after that it could be taken again by any policy in force, in milliseconds. */
  readonly keepMs: number;
}

/**
 * `new` is taken; `seen` came before; `old` may have come before and was forgotten; `full` cannot be remembered; `unknown` where
 * whoever remembers did not answer.
 */
export type NonceStanding = 'new' | 'seen' | 'old' | 'full' | 'unknown';

/** Remembers which signatures came. */
export interface Nonces {
  take(claim: NonceClaim): NonceStanding | Promise<NonceStanding>;
}
