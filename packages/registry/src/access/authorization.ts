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

const ANYBODY: RegistryIdentity = { kind: 'anonymous' };
const UNWRITTEN: Decision = { outcome: 'ALLOW_DEFAULT', allowed: true, rule: '', reason: 'nobody wrote rules' };
const UNKNOWN: Decision = { outcome: 'ALLOW', allowed: true, rule: '', reason: 'names that nobody registered' };
const NOT_LET_IN: Decision = {
  outcome: 'DENY',
  allowed: false,
  rule: '',
  reason: 'the settings do not let anonymous callers in',
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

  /**
   * Whether somebody may know of a service who proves nothing, not even his address: where nobody wrote rules everybody, else by
   * the rules for `anonymous` where the settings let such callers in. Recorded, as one for all sources.
   */
  mayAnybodyRead(resource: RegistryResource, { over, sourceIp }: ClaimedSource): boolean {
    const decision = this.#decideForAnybody(resource);
    this.#options.record.add({ caller: ANYBODY, action: 'read', resource, decision, sourceIp, claimedOver: over });
    this.#options.decided?.('read', decision);
    return decision.allowed;
  }

  /** Puts on record that somebody who proves nothing asked for a name that nobody registered: how often, not which. */
  recordUnknown({ over, sourceIp }: ClaimedSource): void {
    const question = { caller: ANYBODY, action: 'read', resource: { namespace: ALL }, decision: UNKNOWN } as const;
    this.#options.record.add({ ...question, sourceIp, claimedOver: over });
  }

  #decideForAnybody(resource: RegistryResource): Decision {
    if (!this.policy.isWritten) return UNWRITTEN;
    return this.policy.settings.anonymous === true ? this.policy.decide(ANYBODY, 'read', resource) : NOT_LET_IN;
  }

  /** The same without a record: for parts of an answer that is recorded as a whole, and for questions about others. */
  wouldAllow(caller: RegistryIdentity, action: RegistryAction, resource: RegistryResource): boolean {
    return this.#options.policy().decide(caller, action, resource).allowed;
  }
}

/** Where a question seems to come from, over something on which anybody can claim any address. */
export interface ClaimedSource {
  /** "dns". */
  readonly over: string;
  readonly sourceIp: string;
}

/** A resource, and where the question comes from. */
export interface AskedResource extends RegistryResource {
  readonly sourceIp?: string;
}
