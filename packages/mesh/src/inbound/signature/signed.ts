import { fail, ok } from '@rampart/core';
import type { Result, SignatureRule, SpiffeId } from '@rampart/core';
import type { HttpRequest } from '@rampart/spiffe/http-signature';

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
  /** Whose a certificate is, leaf first. */
  identify(chain: readonly Uint8Array[]): Result<SpiffeId, string>;
}

/** How far the clocks of both ends may be apart. */
const CLOCK_SKEW_MS = 5000;

const NOT_NEW: Readonly<Record<Exclude<NonceStanding, 'new'>, string>> = {
  seen: 'it was used before',
  old: 'it was signed before anything was remembered here: sign it again',
  full: 'more signed requests have come than can be remembered: ask for a shorter maxAge',
  unknown: 'nobody says whether it was used before: try again',
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
  ): Promise<Result<Signed, string>> {
    const { request, content, rules, keepMs } = question;
    // Its parser of structured fields is loaded where a policy wants it.
    const { verifyRequest } = await import('@rampart/spiffe/http-signature');
    const verified = verifyRequest(request, content, {
      components: rules.flatMap(({ components }) => components),
      identify: (chain) => surroundings.identify(chain),
      now: surroundings.now,
      maxAgeMs: Math.min(...rules.map((rule) => rule.maxAgeMs)),
      clockSkewMs: CLOCK_SKEW_MS,
    });
    if (!verified.ok) return fail(verified.problem.message);
    const { signedBy, nonce, created } = verified.value;
    const stranger = rules.find(({ isSigner }) => !isSigner(signedBy.principal));
    if (stranger !== undefined)
      return fail(`${signedBy.toString()} is not among the signers of RequestSignaturePolicy ${stranger.policy}`);
    // Last: only who may sign gets to be remembered.
    const claim = { signer: signedBy.toString(), nonce, created, keepMs: keepMs + CLOCK_SKEW_MS };
    const standing = await surroundings.nonces.take(claim);
    return standing === 'new' ? ok(new Signed(signedBy, rules)) : fail(NOT_NEW[standing]);
  }

  /** Whether it was judged by a rule. */
  covers({ identity }: SignatureRule): boolean {
    return this.#rules.has(identity);
  }
}
