import { type AclPolicy, type AclRule, type IdentityPattern, parseIdentityPattern, RampartError } from '@rampart/core';
import type { RegistryAcl } from '@rampart/core';
import type { RegistryIdentity } from '../admission/identity.ts';
import { homeOf, matchesIdentity } from './caller.ts';
import type { RegistryResource } from './resource.ts';

/** A rule and where it stands. */
export interface StandingRule {
  readonly policy: AclPolicy;
  readonly identity: IdentityPattern;
  /** Undefined: the namespace of whoever asks. "*": every one. */
  readonly namespace: string | undefined;
  /** "rules[2]": the resource of kind RegistryAcl and the place of the rule in it; "built in" for operators. */
  readonly name: string;
}

const ALL = '*';

/** Operators write the rules; a rule that is closer can still keep them out. */
const OPERATORS: StandingRule = {
  policy: 'admin',
  identity: { kind: 'operator', matches: () => true },
  namespace: ALL,
  name: 'built in',
};

/** Finds the rules for a question by their labels, in a time that does not depend on how many there are. */
export class RuleIndex {
  readonly #isolated: boolean;
  readonly #exact = new Map<string, StandingRule[]>();
  /** A rule about a whole namespace is one about all prefixes. */
  readonly #prefixed = new Map<string, StandingRule[]>([['', [OPERATORS]]]);
  readonly #denials: StandingRule[] = [];
  #longest = 0;

  constructor(acls: readonly RegistryAcl[], options: { readonly isolated: boolean }) {
    this.#isolated = options.isolated;
    for (const { metadata, spec } of acls) {
      for (const [index, rule] of spec.rules.entries()) this.#add(rule, `${metadata.name}[${index}]`);
    }
  }

  /**
   * The rules about this caller that decide, by how closely they fit: the first that denies or gives what is asked ends the question.
   * Of service names the closest counts, an exact one before any prefix and a longer prefix before a shorter one (Consul's rule); after
   * it the whole namespace. In each, a rule that names the namespace is closer than one without, that closer than one for all namespaces.
   */
  decisive(caller: RegistryIdentity, resource: RegistryResource): readonly (readonly StandingRule[])[] {
    const { service, namespace } = resource;
    const whole = this.#levels(this.#prefixed.get(''), caller, { namespace });
    return service === undefined ? whole : [...this.#ofClosestName(caller, { service, namespace }), ...whole];
  }

  /** Names of services that a rule names in full, by whatever policy; of every namespace, or of one. */
  namedServices(): readonly string[] {
    return [...this.#exact.keys()];
  }

  /** Whether a rule denies this caller something in a namespace, or in any ("*"). */
  deniesSome(caller: RegistryIdentity, namespace: string): boolean {
    return this.#denials.some(
      (rule) =>
        (namespace === ALL || rule.namespace === undefined || rule.namespace === ALL || rule.namespace === namespace) &&
        matchesIdentity(rule.identity, caller),
    );
  }

  #ofClosestName(
    caller: RegistryIdentity,
    resource: RegistryResource & { readonly service: string },
  ): readonly (readonly StandingRule[])[] {
    const { service } = resource;
    const exact = this.#levels(this.#exact.get(service), caller, resource);
    if (exact.length > 0) return exact;
    for (let length = Math.min(service.length, this.#longest); length >= 0; length -= 1) {
      const found = this.#levels(this.#prefixed.get(service.slice(0, length)), caller, resource);
      if (found.length > 0) return found;
    }
    return [];
  }

  /** Rules of one label that are about the caller: of the namespace, of the caller's own, of all; levels without any left out. */
  #levels(
    rules: readonly StandingRule[] | undefined,
    caller: RegistryIdentity,
    { namespace, service }: RegistryResource,
  ): readonly (readonly StandingRule[])[] {
    const about = rules?.filter(({ identity }) => matchesIdentity(identity, caller)) ?? [];
    if (about.length === 0) return [];
    const isHome = !this.#isolated || homeOf(caller) === namespace;
    // A prefix without a namespace is about services, not about a namespace as a whole.
    const home = isHome && service !== undefined ? about.filter((rule) => rule.namespace === undefined) : [];
    const named = about.filter((rule) => rule.namespace === namespace);
    const everywhere = namespace === ALL ? [] : about.filter((rule) => rule.namespace === ALL);
    return [named, home, everywhere].filter((level) => level.length > 0);
  }

  #add({ service, servicePrefix = '', namespace, policy, identity }: AclRule, name: string): void {
    const rule: StandingRule = { policy, identity: patternOf(identity), namespace, name };
    if (policy === 'deny') this.#denials.push(rule);
    const [labels, label] = service === undefined ? [this.#prefixed, servicePrefix] : [this.#exact, service];
    if (service === undefined) this.#longest = Math.max(this.#longest, servicePrefix.length);
    const rules = labels.get(label);
    if (rules === undefined) labels.set(label, [rule]);
    else rules.push(rule);
  }
}

function patternOf(text: string | undefined): IdentityPattern {
  if (text === undefined) return { kind: 'authenticated' };
  const pattern = parseIdentityPattern(text);
  if (pattern.ok) return pattern.value;
  throw new RampartError('INTERNAL', `BUG: a rule with the identity ${JSON.stringify(text)}, ${pattern.problem}`);
}
