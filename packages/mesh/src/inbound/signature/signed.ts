import type { SignatureRule, SpiffeId } from '@rampart/core';

/**
 * Evidence of whose signature a request has, and by which rules it was judged. `RequestSignatures` makes it, and `Permit.judge` asks for
 * it where a rule is about the request.
 */
export class Signed {
  readonly by: SpiffeId;
  readonly #rules: ReadonlySet<string>;

  constructor(by: SpiffeId, rules: readonly SignatureRule[]) {
    this.by = by;
    this.#rules = new Set(rules.map(({ identity }) => identity));
  }

  /** Whether it was judged by a rule. */
  covers({ identity }: SignatureRule): boolean {
    return this.#rules.has(identity);
  }
}
