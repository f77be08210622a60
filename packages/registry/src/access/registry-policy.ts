import { BoundedCache, type RegistryAcl, type RegistrySettingsSpec } from '@rampart/core';
import { nameOfIdentity, type RegistryIdentity } from '../admission/identity.ts';
import { ServiceIdentities } from '../admission/service-identities.ts';
import { ServiceNetworks } from '../admission/service-networks.ts';
import { AgentNetworks } from './agent-networks.ts';
import { homeOf } from './caller.ts';
import { SensitiveKeys } from '../sensitive/sensitive-keys.ts';
import { hasPermission, type RegistryAction } from './permission.ts';
import { type RegistryResource, resourceText } from './resource.ts';
import { RuleIndex } from './rule-index.ts';

/** How a question ended, in the words of the record. */
export type DecisionOutcome = 'ALLOW' | 'ALLOW_DEFAULT' | 'DENY';

export interface Decision {
  readonly outcome: DecisionOutcome;
  readonly allowed: boolean;
  /** Name of the rule that decided ("rules[2]"); "" for the default policy. */
  readonly rule: string;
  /** In words, for the record and for operators; never for the caller. */
  readonly reason: string;
}

/** Answers that are kept, for each action. */
const KEPT_ANSWERS = 20_000;

/** What the resources RegistryAcl and RegistrySettings of one revision say. Never changes. */
export class RegistryPolicy {
  readonly settings: RegistrySettingsSpec;
  readonly identities: ServiceIdentities;
  readonly networks: ServiceNetworks;
  readonly agentNetworks: AgentNetworks;
  /** Which metadata of instances is. */
  readonly sensitive: SensitiveKeys;
  /**
   * Whether anybody wrote down who may do what. Until then everybody who has proved who they are may discover everything,
   * and workloads register the services that they were attested as.
   */
  readonly isWritten: boolean;
  readonly #rules: RuleIndex;
  readonly #isolated: boolean;
  readonly #answers = {
    read: new BoundedCache<string, Decision>(KEPT_ANSWERS),
    write: new BoundedCache<string, Decision>(KEPT_ANSWERS),
    admin: new BoundedCache<string, Decision>(KEPT_ANSWERS),
  };

  constructor(acls: readonly RegistryAcl[], settings: RegistrySettingsSpec = {}) {
    this.settings = settings;
    this.isWritten = acls.length > 0 || settings.defaultPolicy !== undefined;
    this.#isolated = settings.namespaceIsolation ?? true;
    this.#rules = new RuleIndex(acls, { isolated: this.#isolated });
    this.identities = new ServiceIdentities(settings.identityPatterns ?? [], { isWritten: this.isWritten });
    this.networks = new ServiceNetworks(settings.networks ?? []);
    this.agentNetworks = new AgentNetworks(settings.agentNetworks ?? []);
    this.sensitive = new SensitiveKeys(settings.sensitiveMetadata);
  }

  /** Names of services that rules name in full. */
  namedServices(): readonly string[] {
    return this.#rules.namedServices();
  }

  /** Rules first, the default policy after them; records nothing. */
  decide(caller: RegistryIdentity, action: RegistryAction, resource: RegistryResource): Decision {
    const key = answerKey(caller, resource);
    const known = this.#answers[action].get(key);
    if (known !== undefined) return known;
    const decision = this.#decide(caller, action, resource);
    this.#answers[action].set(key, decision);
    return decision;
  }

  /** Whether a caller may know of everything that is, or could be, in a namespace; "*" for all of them. */
  readsAll(caller: RegistryIdentity, namespace: string = '*'): boolean {
    if (!this.decide(caller, 'read', { namespace }).allowed) return false;
    return !this.#rules.deniesSome(caller, namespace);
  }

  #decide(caller: RegistryIdentity, action: RegistryAction, resource: RegistryResource): Decision {
    for (const rules of this.#rules.decisive(caller, resource)) {
      const denying = rules.find(({ policy }) => policy === 'deny');
      if (denying !== undefined) {
        return { outcome: 'DENY', allowed: false, rule: denying.name, reason: `rule ${denying.name} denies it` };
      }
      const allowing = rules.find(({ policy }) => hasPermission(policy, action));
      if (allowing !== undefined) {
        return { outcome: 'ALLOW', allowed: true, rule: allowing.name, reason: `rule ${allowing.name} allows it` };
      }
    }
    const what = `${action} on ${resourceText(resource)}`;
    if (this.#allowsByDefault(caller, action, resource)) {
      return { outcome: 'ALLOW_DEFAULT', allowed: true, rule: '', reason: `the default policy allows ${what}` };
    }
    return { outcome: 'DENY', allowed: false, rule: '', reason: `no rule allows ${what}` };
  }

  #allowsByDefault(caller: RegistryIdentity, action: RegistryAction, { namespace }: RegistryResource): boolean {
    if (!this.isWritten) return allowsUnwritten(caller, action);
    if (this.settings.defaultPolicy !== 'allow') return false;
    return !this.#isolated || homeOf(caller) === namespace;
  }
}

/** Which service a workload registers is not asked here: its identity must match it in any case. */
function allowsUnwritten({ kind }: RegistryIdentity, action: RegistryAction): boolean {
  if (action === 'read') return kind !== 'anonymous';
  return action === 'write' && kind === 'spiffe';
}

function answerKey(caller: RegistryIdentity, { namespace, service }: RegistryResource): string {
  const teams = caller.kind === 'token' ? caller.teams.join(',') : '';
  return `${nameOfIdentity(caller)} ${teams} ${namespace}/${service ?? ''}`;
}
