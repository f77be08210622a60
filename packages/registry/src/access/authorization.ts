import type { RegistryIdentity } from '../admission/identity.ts';
import type { AccessRecord } from './access-record.ts';
import type { RegistryAction } from './permission.ts';
import type { DiscoveryCaller } from './guarded-discovery.ts';
import type { Decision, RegistryPolicy } from './registry-policy.ts';
import type { RegistryResource } from './resource.ts';

const ALL = '*';
const FILTERED: Decision = {
  outcome: 'ALLOW',
  allowed: true,
  rule: '',
  reason: 'filtered: what the caller may know of',
};

export interface RegistryAccessOptions {
  /** What is in force now. */
  readonly policy: () => RegistryPolicy;
  readonly record: AccessRecord;
  /** Hears of every decision that was asked for, for counters. */
  readonly decided?: (action: RegistryAction, decision: Decision) => void;
}

/** Decides who may do what in the registry, and records it. */
export class RegistryAccess {
  readonly #options: RegistryAccessOptions;

  constructor(options: RegistryAccessOptions) {
    this.#options = options;
  }

  /** What is in force now. */
  get policy(): RegistryPolicy {
    return this.#options.policy();
  }

  /**
   * AuthorizeRequest: the applicable rules, one after the other, then the default policy. Recorded as ALLOW, ALLOW_DEFAULT
   * or DENY.
   */
  authorizeRequest(caller: RegistryIdentity, action: RegistryAction, asked: AskedResource): Decision {
    const { sourceIp = '', ...resource } = asked;
    const decision = this.#options.policy().decide(caller, action, resource);
    // That workloads register themselves where nobody wrote rules is said by the record of the registration.
    const isCustom = decision.outcome === 'ALLOW_DEFAULT' && action === 'write' && !this.policy.isWritten;
    if (!isCustom) this.#options.record.add({ caller, action, resource, decision, sourceIp });
    this.#options.decided?.(action, decision);
    return decision;
  }

  /** Puts on record that somebody asked for a list, of a namespace or of all; whatever he may not know of is left out of it. */
  recordList({ identity: caller, sourceIp }: DiscoveryCaller, namespace: string = ALL): void {
    const resource = { namespace };
    const isComplete = this.policy.readsAll(caller, namespace);
    const decision = isComplete ? this.policy.decide(caller, 'read', resource) : FILTERED;
    this.#options.record.add({ caller, action: 'read', resource, decision, sourceIp });
    this.#options.decided?.('read', decision);
  }

  /** The same without a record: for parts of an answer that is recorded as a whole, and for questions about others. */
  wouldAllow(caller: RegistryIdentity, action: RegistryAction, resource: RegistryResource): boolean {
    return this.#options.policy().decide(caller, action, resource).allowed;
  }
}

/** A resource, and where the question comes from. */
export interface AskedResource extends RegistryResource {
  readonly sourceIp?: string;
}
