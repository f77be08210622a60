import type { Clock, TokenFacts, WorkloadPolicy } from '@rampart/core';

import { withoutParams } from '../../record/target.ts';
import type { Carrier, HeaderChanges } from './carrier.ts';
import { EndUsers } from './end-users.ts';
import type { EndUser } from './end-users.ts';
import type { KeySources } from './keys/key-sources.ts';
import type { AuthenticationRefusal } from './refusal.ts';
import { ServiceTokens } from './service-tokens.ts';
import type { CallingService } from './service-tokens.ts';

/** What the tokens of a request say. */
export interface AuthenticationFindings {
  readonly denied: false;
  readonly token: TokenFacts | undefined;
  readonly changes: HeaderChanges | undefined;
  /** "iss/sub" for the record; "" when nobody is known. */
  readonly principal: string;
}

export interface RulesOptions {
  /** Equal for equal rules. */
  readonly name: string;
  readonly sources: KeySources;
  readonly clock: Clock;
}

type Examined = AuthenticationFindings | AuthenticationRefusal;

const KEYS_TIMEOUT_MS = 5_000;
const NOBODY: EndUser = { denied: false, token: undefined, changes: undefined };

/** Every RequestAuthentication and ServiceTokenPolicy of a workload, ready to be asked. */
export class AuthenticationRules {
  readonly name: string;
  readonly #policies = new WeakSet<WorkloadPolicy>();
  readonly #endUsers: EndUsers | undefined;
  readonly #services: ServiceTokens | undefined;
  readonly #params: ReadonlySet<string>;

  constructor(policy: WorkloadPolicy, { name, sources, clock }: RulesOptions) {
    const { jwtRules, serviceTokens } = policy;
    this.name = name;
    this.#policies.add(policy);
    const opened = sources.adopt([
      ...jwtRules,
      ...serviceTokens.map(({ spec }) => ({ ...spec, timeoutMs: KEYS_TIMEOUT_MS })),
    ]);
    const count = jwtRules.length;
    this.#endUsers = count === 0 ? undefined : new EndUsers(jwtRules, opened.slice(0, count), clock);
    this.#params = new Set(this.#endUsers?.params);
    this.#services =
      serviceTokens.length === 0 ? undefined : new ServiceTokens(serviceTokens, opened.slice(count), clock);
  }

  /** Another revision of the policies has the same rules. */
  alsoFor(policy: WorkloadPolicy): void {
    this.#policies.add(policy);
  }

  isFor(policy: WorkloadPolicy): boolean {
    return this.#policies.has(policy);
  }

  /** Headers that nobody but these rules may write, in lower case. */
  get outputs(): readonly string[] {
    return this.#endUsers?.outputs ?? [];
  }

  /** A request target as it may be recorded: without the tokens that these rules look for in it. */
  withoutTokens(target: string): string {
    return withoutParams(target, this.#params);
  }

  /** What the tokens of a request say; at once where nothing has to be verified. */
  examine(carrier: Carrier): Examined | Promise<Examined> {
    const endUser = this.#endUsers?.identify(carrier) ?? NOBODY;
    if (endUser instanceof Promise) return this.#finish(endUser, carrier);
    const service = this.#services?.identify(carrier);
    return service instanceof Promise
      ? service.then((found) => findingsOf(endUser, found))
      : findingsOf(endUser, service);
  }

  async #finish(pending: Promise<EndUser | AuthenticationRefusal>, carrier: Carrier): Promise<Examined> {
    const endUser = await pending;
    return endUser.denied ? endUser : findingsOf(endUser, await this.#services?.identify(carrier));
  }
}

function findingsOf(
  { token, changes }: EndUser,
  service: CallingService | AuthenticationRefusal | undefined,
): Examined {
  if (service?.denied === true) return service;
  return { denied: false, token, changes, principal: token?.principal ?? service?.principal ?? '' };
}
