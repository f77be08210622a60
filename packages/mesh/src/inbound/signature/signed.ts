import { fail, ok } from '@rampart/core';
import type { Result, SignatureRule, SpiffeId } from '@rampart/core';
import type { HttpRequest } from '@rampart/spiffe/http-signature';

import type { KnownSigners } from './known-signers.ts';
import type { Nonces, NonceStanding } from './nonces.ts';

/** A request, and what its signature is held to. */
export interface SignatureQuestion {
  readonly request: HttpRequest;
  readonly content: Uint8Array;
  /** Those that are about the request; at least one. */
  readonly rules: readonly SignatureRule[];
  /** The longest time for which any rule of the workload takes a signature, in milliseconds. */
  readonly keepMs: number;
}

export interface SignatureSurroundings {
  /** Unix milliseconds. */
  readonly now: number;
  readonly nonces: Nonces;
  readonly signers: KnownSigners;
}

/** How far the clocks of both ends may be apart. */
const CLOCK_SKEW_MS = 5000;

/** Why a request goes no further: 401 is its caller's to mend, 503 is not. */
export interface SignatureRefusal {
  readonly code: 401 | 503;
  readonly reason: string;
}

const NOT_NEW: Readonly<Record<Exclude<NonceStanding, 'new'>, SignatureRefusal>> = {
  seen: { code: 401, reason: 'it was used before' },
  old: { code: 503, reason: 'nobody remembers whether it was used before: sign it again and retry' },
  full: { code: 503, reason: 'more signed requests have come than can be remembered: ask for a shorter maxAge' },
  unknown: { code: 503, reason: 'the control plane does not say whether it was used before: sign it again and retry' },
};

/**
 * Evidence of whose signature a request has, and by which rules it was judged. Only `Signed.judge` makes it, and `Permit.judge`
 * asks for it where a rule is about the request.
 */
export class Signed {
  readonly by: SpiffeId;
  readonly #rules: ReadonlySet<string>;

  private constructor(by: SpiffeId, rules: readonly SignatureRule[]) {
    this.by = by;
    this.#rules = new Set(rules.map(({ identity }) => identity));
  }

  /** Whose the signature is, or why it is refused. What is taken is not taken again. */
  static async judge(
    question: SignatureQuestion,
    surroundings: SignatureSurroundings,
  ): Promise<Result<Signed, SignatureRefusal>> {
    const { request, content, rules, keepMs } = question;
    // Its parser of structured fields is loaded where a policy wants it.
    const { signerOfChain, verifyRequest } = await import('@rampart/spiffe/http-signature');
    const verified = verifyRequest(request, content, {
      components: rules.flatMap(({ components }) => components),
      signerOf: (chain) => surroundings.signers.signerOf(chain, signerOfChain),
      now: surroundings.now,
      maxAgeMs: Math.min(...rules.map((rule) => rule.maxAgeMs)),
      clockSkewMs: CLOCK_SKEW_MS,
    });
    if (!verified.ok) return fail({ code: 401, reason: verified.problem.message });
    const { signedBy, nonce, created } = verified.value;
    const stranger = rules.find(({ isSigner }) => !isSigner(signedBy.principal));
    if (stranger !== undefined) {
      const reason = `${signedBy.toString()} is not among the signers of RequestSignaturePolicy ${stranger.policy}`;
      return fail({ code: 401, reason });
    }
    // Last: only who may sign gets to be remembered.
    const claim = {
      signer: signedBy.toString(),
      nonce,
      created,
      keepMs: keepMs + CLOCK_SKEW_MS,
      failOpen: rules.every((rule) => rule.failOpen),
    };
    const standing = await surroundings.nonces.take(claim);
    return standing === 'new' ? ok(new Signed(signedBy, rules)) : fail(NOT_NEW[standing]);
  }

  /** Whether it was judged by a rule. */
  covers({ identity }: SignatureRule): boolean {
    return this.#rules.has(identity);
  }
}
