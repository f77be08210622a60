import { createHash } from 'node:crypto';

import { ReplayCache } from '@rampart/core';
import type { Clock, OnceStanding } from '@rampart/core';

import type { AttestedWorkload } from '../../control/attestation.ts';
import type { MeshLog } from '../../log.ts';
import { NonceDesk } from './nonce-desk.ts';
import type { TakeNonces } from './nonce-desk.ts';
import type { NonceClaim, Nonces, NonceStanding } from './nonces.ts';

export interface MeshNoncesOptions {
  readonly clock: Pick<Clock, 'now'>;
  readonly log: MeshLog;
  readonly take: TakeNonces;
  /** Whose requests these are: other services, of the same identity too, may take the same signature once. Undefined before attestation. */
  workload(): Pick<AttestedWorkload, 'namespace' | 'service'> | undefined;
}

/** Of the time in a signature (RFC 9421 §2.3). */
const SECOND_MS = 1000;
const WORDS: ReadonlySet<string> = new Set<OnceStanding>(['new', 'seen', 'old', 'full']);

/**
 * Which signatures came to any instance of a service, as the control plane remembers it. What came to this instance is remembered
 * here too: it is refused without asking, and where a policy says so that is enough while the control plane does not answer.
 */
export class MeshNonces implements Nonces {
  readonly #desk: NonceDesk;
  readonly #own: ReplayCache;
  readonly #workload: MeshNoncesOptions['workload'];

  constructor(options: MeshNoncesOptions) {
    const { clock } = options;
    this.#desk = new NonceDesk(options);
    this.#own = new ReplayCache({ clock, knownSince: Math.floor(clock.now() / SECOND_MS) * SECOND_MS });
    this.#workload = () => options.workload();
  }

  async take({ signer, nonce, created, keepMs, failOpen }: NonceClaim): Promise<NonceStanding> {
    const { namespace = '', service = '' } = this.#workload() ?? {};
    const digest = createHash('sha256')
      .update(JSON.stringify([`${namespace}/${service}`, signer, nonce]))
      .digest();
    const own = this.#own.take({ name: digest.toString('base64'), created, keepMs });
    if (own === 'seen') return own;
    const standing = await this.#desk.ask({ digest, created: BigInt(created), keepMs });
    if (standing === undefined || !isStanding(standing)) return failOpen ? own : 'unknown';
    // After a start it cannot say what came before, as if it were away.
    return standing === 'old' && failOpen ? own : standing;
  }
}

function isStanding(word: string): word is OnceStanding {
  return WORDS.has(word);
}
