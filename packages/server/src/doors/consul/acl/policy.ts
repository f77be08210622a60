import { RampartError, type RegistryAcl } from '@rampart/core';
import { parseDocuments } from '@rampart/core/documents';
import { uuidOf } from './uuid.ts';

type Rule = RegistryAcl['spec']['rules'][number];

/** A policy as a client writes it. */
export interface PolicyText {
  readonly name: string;
  readonly description: string;
  /** HCL or JSON. */
  readonly rules: string;
}

/** The policy of Consul that may do everything; here, tokens of administrators. */
export const GLOBAL_MANAGEMENT = { id: '00000000-0000-0000-0000-000000000001', name: 'global-management' } as const;

const DESCRIPTION = 'consul.rampart.dev/description';
const LONGEST_NAME = 56;
const NAME = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

/** Team that tokens are of which have a policy: its rules are about that team where they name nobody. */
export function teamOfPolicy(name: string): string {
  return `policy.${name}`;
}

/** Name of the policy that a team stands for; undefined for other teams. */
export function policyOfTeam(team: string): string | undefined {
  return team.startsWith('policy.') ? team.slice('policy.'.length) : undefined;
}

export function policyId(name: string): string {
  return name === GLOBAL_MANAGEMENT.name ? GLOBAL_MANAGEMENT.id : uuidOf(`rampart policy ${name}`);
}

/**
 * The resource that a policy is. A rule that names nobody is about the tokens that have the policy, as in Consul, and never about everybody.
 *
 * @throws RampartError INVALID_ARGUMENT with what is wrong and where.
 */
export function policyResource({ name, description, rules }: PolicyText, rootNamespace: string): RegistryAcl {
  if (!NAME.test(name) || name.length > LONGEST_NAME || name === GLOBAL_MANAGEMENT.name) {
    throw invalid(`Invalid Policy: the name must be 1 to ${LONGEST_NAME} lower-case letters, digits and hyphens`);
  }
  const file = `${name}.${rules.trimStart().startsWith('{') ? 'acl.json' : 'hcl'}`;
  const parsed = parseDocuments(rules, { file, rootNamespace, defaultNamespace: rootNamespace });
  const error = parsed.problems.find(({ severity }) => severity === 'error');
  if (error !== undefined) throw invalid(`Invalid Policy: ${error.line}:${error.column}: ${error.message}`);
  const [read, another] = parsed.resources;
  if (another !== undefined || (read !== undefined && read.kind !== 'RegistryAcl')) {
    throw invalid('Invalid Policy: its rules are no rules of an ACL');
  }
  const identity = `team:${teamOfPolicy(name)}`;
  return {
    apiVersion: 'rampart.dev/v1',
    kind: 'RegistryAcl',
    metadata: {
      name,
      namespace: rootNamespace,
      labels: {},
      annotations: description === '' ? {} : { [DESCRIPTION]: description },
    },
    spec: { rules: (read?.spec.rules ?? []).map((rule) => ({ identity, ...rule })) },
  };
}

/** The policy that a resource is. */
export function policyText({ metadata: { name, annotations }, spec: { rules } }: RegistryAcl): PolicyText {
  const own = `team:${teamOfPolicy(name)}`;
  return {
    name,
    description: annotations[DESCRIPTION] ?? '',
    rules: rules.map((rule) => ruleText(rule, own)).join('\n'),
  };
}

function ruleText({ service, servicePrefix, namespace, policy, identity }: Rule, own: string): string {
  const lines = [`policy = ${JSON.stringify(policy)}`];
  if (identity !== undefined && identity !== own) lines.push(`identity = ${JSON.stringify(identity)}`);
  const about = service === undefined ? ['service_prefix', servicePrefix] : ['service', service];
  if (about[1] === undefined) return blockText(['namespace', namespace ?? '*'], lines);
  const block = blockText(about, lines);
  return namespace === undefined ? block : blockText(['namespace', namespace], block.split('\n'));
}

function blockText([kind = '', label = '']: readonly (string | undefined)[], lines: readonly string[]): string {
  return [`${kind} ${JSON.stringify(label)} {`, ...lines.map((line) => `  ${line}`), '}'].join('\n');
}

function invalid(message: string): RampartError {
  return new RampartError('INVALID_ARGUMENT', message);
}
