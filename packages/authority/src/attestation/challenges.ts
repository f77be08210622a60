import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { fail, ok } from '@rampart/core';
import type { Clock, Result } from '@rampart/core';
import { disbelieve } from './evidence.ts';
import type { EvidenceProblem, EvidenceUse } from './evidence.ts';

/** A nonce that was given out. */
export interface Challenge {
  readonly nonce: Uint8Array;
  /** Unix milliseconds from which it is no longer accepted. */
  readonly expiresAt: number;
}

const LIFE_MS = 60_000;
const TIME_BYTES = 8;
const RANDOM_BYTES = 16;
const BODY_BYTES = TIME_BYTES + RANDOM_BYTES;
const MAC_BYTES = 32;

/**
 * Nonces that carry their own end and are recognised by a MAC, so that asking for them costs no memory here. The key lives as
 * long as the process: after a restart newcomers ask again.
 */
export class Challenges {
  readonly #key = randomBytes(MAC_BYTES);
  readonly #clock: Pick<Clock, 'now'>;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  issue(): Challenge {
    const expiresAt = this.#clock.now() + LIFE_MS;
    const body = Buffer.alloc(BODY_BYTES);
    body.writeBigUInt64BE(BigInt(expiresAt));
    randomBytes(RANDOM_BYTES).copy(body, TIME_BYTES);
    return { nonce: new Uint8Array(Buffer.concat([body, this.#mac(body)])), expiresAt };
  }

  /** How a nonce of ours may be used; nonce-unknown, nonce-expired. */
  check(nonce: Uint8Array): Result<EvidenceUse, EvidenceProblem> {
    const bytes = Buffer.from(nonce);
    const body = bytes.subarray(0, BODY_BYTES);
    const isOurs =
      bytes.length === BODY_BYTES + MAC_BYTES && timingSafeEqual(bytes.subarray(BODY_BYTES), this.#mac(body));
    if (!isOurs)
      return disbelieve('nonce-unknown', 'the nonce was not given out here since the last start; ask for another');
    const until = Number(body.readBigUInt64BE());
    if (this.#clock.now() >= until)
      return fail({ rule: 'nonce-expired', message: 'the nonce has expired; ask for another' });
    return ok({ hash: hash('sha256', bytes, 'hex'), until, rule: 'nonce-used' });
  }

  #mac(body: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(body).digest();
  }
}
