import type { Clock, Random, WorkloadPolicy } from '@rampart/core';

import type { MeshLog } from '../../log.ts';
import type { MeshView } from '../../view/mesh-view.ts';
import type { FetchDocument } from './keys/document.ts';
import { KeySources } from './keys/key-sources.ts';
import { AuthenticationRules } from './rules.ts';

export interface AuthenticatorOptions {
  readonly view: MeshView;
  readonly fetch: FetchDocument;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: MeshLog;
}

/** Whether a workload has anything to authenticate requests by. */
export function asksForTokens({ jwtRules, serviceTokens }: WorkloadPolicy): boolean {
  return jwtRules.length > 0 || serviceTokens.length > 0;
}

/** Keeps the authentication rules of this workload in step with its policies. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #sources: KeySources;
  #policy: WorkloadPolicy | undefined;
  #rules: AuthenticationRules | undefined;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#sources = new KeySources(options);
    // Keys are on their way before the first token comes.
    options.view.subscribe(() => void this.rules);
  }

  /** The rules in force; undefined when this workload has none. */
  get rules(): AuthenticationRules | undefined {
    const { policy } = this.#options.view;
    if (policy !== this.#policy) this.#adopt(policy);
    return this.#rules;
  }

  #adopt(policy: WorkloadPolicy): void {
    this.#policy = policy;
    if (!asksForTokens(policy)) {
      if (this.#rules !== undefined) this.#sources.adopt([]);
      this.#rules = undefined;
      return;
    }
    const name = JSON.stringify([policy.jwtRules, policy.serviceTokens]);
    const { clock } = this.#options;
    if (this.#rules?.name === name) this.#rules.alsoFor(policy);
    else this.#rules = new AuthenticationRules(policy, { name, sources: this.#sources, clock });
  }
}
