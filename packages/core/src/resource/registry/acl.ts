import type { Cursor, Reader } from '../cursor.ts';
import { parsesWith } from '../text-list.ts';
import { parseIdentityPattern } from './identity-pattern.ts';

/** What a rule lets its identities do: `admin` everything, `write` register and discover, `read` discover, `deny` nothing. */
export type AclPolicy = 'read' | 'write' | 'admin' | 'deny';

/**
 * One rule. It is about one service, about all whose names begin alike, or about a whole namespace. Without a namespace it
 * holds in the namespace of whoever asks.
 */
export interface AclRule {
  /** Name of the service. */
  readonly service?: string;
  /** How the names of services begin; "" for all. */
  readonly servicePrefix?: string;
  /** Name of the namespace, or "*" for all. */
  readonly namespace?: string;
  readonly policy: AclPolicy;
  /** Whom it is about, as `parseIdentityPattern` reads it; absent: whoever has proved who they are. */
  readonly identity?: string;
}

/** Who may discover and register what (kind RegistryAcl; the rules of all such resources hold together). */
export interface RegistryAclSpec {
  readonly rules: readonly AclRule[];
}

interface RuleFields extends AclRule {
  /** Consul's, for its service mesh; AuthorizationPolicy says that here. */
  readonly intentions: true;
}

const POLICIES = ['read', 'write', 'admin', 'deny'] as const;
const MAX_RULES = 10_000;
const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const PREFIX = /^[a-z0-9][a-z0-9-]{0,62}$/;
/** How the rules of the registry name all instances of a service, or all services of a namespace. */
const ALL_OF = /\/\*$/;

export function readRegistryAclSpec(at: Cursor): RegistryAclSpec | undefined {
  const fields = at.fields<RegistryAclSpec>({ rules: readRules });
  if (fields === undefined) return undefined;
  if (at.child('rules').value === undefined) return at.error('needs rules');
  return fields.rules === undefined ? undefined : { rules: fields.rules };
}

function readRules(at: Cursor): AclRule[] | undefined {
  const rules = at.list(readRule, 'a list of rules');
  const { length } = rules === undefined ? [] : (at.items() ?? []);
  if (rules !== undefined && length === 0) at.warning('holds no rule');
  return length > MAX_RULES ? at.error(`must hold at most ${MAX_RULES} rules, holds ${length}`) : rules;
}

function readRule(at: Cursor): AclRule | undefined {
  const fields = at.fields<RuleFields>({
    service: readService,
    servicePrefix: (prefix) => (prefix.value === '' ? '' : prefix.checked(prefixProblem)),
    namespace: readNamespace,
    policy: (policy) => policy.word(POLICIES),
    identity: (identity) => identity.checked(parsesWith(parseIdentityPattern)),
    intentions: noteIntentions,
  });
  if (fields === undefined) return undefined;
  const [hasService, hasPrefix, hasNamespace] = (['service', 'servicePrefix', 'namespace'] as const).map(
    (field) => at.child(field).value !== undefined,
  );
  if (hasService === true && hasPrefix === true) at.error('is about a service or a servicePrefix, not both');
  if (hasService !== true && hasPrefix !== true && hasNamespace !== true) {
    at.error('needs service, servicePrefix or namespace: what it is about');
  }
  if (at.child('policy').value === undefined) at.error('needs a policy: read, write, admin or deny');
  const { intentions: _, policy, ...rest } = fields;
  return policy === undefined ? undefined : { ...rest, policy };
}

const readService: Reader<string> = (at) => {
  if (at.value === '') return at.error('must not be empty: all services are service_prefix ""');
  const text = at.text();
  if (text === undefined) return undefined;
  const name = text.replace(ALL_OF, '');
  if (DNS_LABEL.test(name)) return name;
  const hint = name.includes('*') ? ': names that begin alike are a service_prefix' : '';
  return at.error(`must be the name of a service: lower-case letters, digits and "-", at most 63 characters${hint}`);
};

const readNamespace: Reader<string> = (at) => {
  const text = at.text();
  if (text === undefined) return undefined;
  const name = text.replace(ALL_OF, '');
  if (name === '*' || DNS_LABEL.test(name)) return name;
  return at.error('must be the name of a namespace, or "*" for all: lower-case letters, digits and "-"');
};

function prefixProblem(text: string): string | undefined {
  if (PREFIX.test(text)) return undefined;
  return 'must be how names of services begin: lower-case letters, digits and "-", at most 63 characters';
}

const noteIntentions: Reader<true> = (at) => {
  at.warning('is ignored: which service may call which is said by AuthorizationPolicy');
  return true;
};
