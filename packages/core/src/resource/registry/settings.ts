import { parseIpBlock } from '../../policy/match/address/ip-block.ts';
import type { Cursor, Reader } from '../cursor.ts';
import { parsesWith } from '../text-list.ts';
import { readRetention, type RetentionSetting } from './audit-retention.ts';
import { parseIdentityPattern } from './identity-pattern.ts';

/** Which identity a service must be registered by. */
export interface ServiceIdentityPattern {
  /** Name of services, `*` for any run of characters. */
  readonly service: string;
  /** Where: the name of a namespace, `*` for any run of characters; absent: in all. */
  readonly namespace?: string;
  /** As `parseIdentityPattern` reads it, with `{service}` and `{namespace}` for what is registered. */
  readonly pattern: string;
}

/** Where the instances of a service may be. */
export interface ServiceNetworks {
  readonly service: string;
  readonly namespace?: string;
  /** IP addresses and CIDR blocks. */
  readonly cidrs: readonly string[];
}

/** Where the host of an agent is, when its connection comes from another address. */
export interface AgentNetworks {
  /** SPIFFE IDs of agents, as `parseIdentityPattern` reads them. */
  readonly agent: string;
  /** IP addresses and CIDR blocks. */
  readonly cidrs: readonly string[];
}

/** Who waits for a person before the first registration counts. */
export type RegistrationApproval = 'off' | 'new-services' | 'new-identities';

export interface RateSetting {
  readonly perSecond: number;
  readonly burst: number;
}

export interface FailureSetting {
  /** Failures from one address within a minute after which it is blocked. */
  readonly perMinute: number;
  readonly blockSeconds: number;
}

export interface RegistryLimits {
  readonly registrations?: RateSetting;
  readonly queries?: RateSetting;
  readonly authenticationFailures?: FailureSetting;
}

/** Registrations of one service within an hour from which on they are a spike. */
export interface AnomalySettings {
  readonly registrationsPerHour?: number;
}

/** How the registry decides (kind RegistrySettings, one for the mesh). What is absent stays as it is without settings. */
export interface RegistrySettingsSpec {
  /** What holds where no rule does; "deny" when there are rules. */
  readonly defaultPolicy?: 'deny' | 'allow';
  /** Whether callers who prove nothing are let in as "anonymous". */
  readonly anonymous?: boolean;
  /** False: rules without a namespace, and the default policy, hold in every namespace. */
  readonly namespaceIsolation?: boolean;
  readonly identityPatterns?: readonly ServiceIdentityPattern[];
  readonly networks?: readonly ServiceNetworks[];
  readonly agentNetworks?: readonly AgentNetworks[];
  readonly approval?: RegistrationApproval;
  readonly limits?: RegistryLimits;
  readonly anomalies?: AnomalySettings;
  /** Keys of instances' metadata that are kept encrypted and shown to few: texts without regard to case, `*` for anything. */
  readonly sensitiveMetadata?: readonly string[];
  /** How long audit records are kept; those of types that are not named as `RETENTION_DAYS` says. */
  readonly auditRetention?: readonly RetentionSetting[];
}

const GLOB = /^[a-z0-9*](?:[a-z0-9*-]{0,61}[a-z0-9*])?$/;
const MAX_ENTRIES = 10_000;
const MOST = 1_000_000;
const DAY_SECONDS = 86_400;

export function readRegistrySettingsSpec(at: Cursor): RegistrySettingsSpec | undefined {
  return at.fields<RegistrySettingsSpec>({
    defaultPolicy: (policy) => policy.word(['deny', 'allow']),
    anonymous: (flag) => flag.flag(),
    namespaceIsolation: (flag) => flag.flag(),
    identityPatterns: entries(readPattern),
    networks: entries(readNetworks),
    agentNetworks: entries(readAgentNetworks),
    approval: (approval) => approval.word(['off', 'new-services', 'new-identities']),
    limits: readLimits,
    anomalies: (anomalies) => anomalies.fields<AnomalySettings>({ registrationsPerHour: count }),
    sensitiveMetadata: entries(readKeyPattern),
    auditRetention: readRetention,
  });
}

function entries<T>(reader: Reader<T>): Reader<T[]> {
  return (at) => {
    const list = at.list(reader);
    const { length } = list === undefined ? [] : (at.items() ?? []);
    return length > MAX_ENTRIES ? at.error(`must hold at most ${MAX_ENTRIES}, holds ${length}`) : list;
  };
}

const count: Reader<number> = (at) => at.integer('a whole number', { min: 1, max: MOST });
const KEY_PATTERN = /^[A-Za-z0-9._/*-]{1,128}$/;
const readKeyPattern: Reader<string> = (at) =>
  at.checked((text) =>
    KEY_PATTERN.test(text) ? undefined : 'must be a key of metadata, in which "*" stands for any run of characters',
  );
const glob: Reader<string> = (at) =>
  at.checked((text) => (GLOB.test(text) ? undefined : 'must be a name, in which "*" stands for any run of characters'));

function readPattern(at: Cursor): ServiceIdentityPattern | undefined {
  const fields = at.fields<ServiceIdentityPattern>({
    service: glob,
    namespace: glob,
    pattern: (pattern) => pattern.checked(patternProblem),
  });
  const { service, pattern, ...rest } = fields ?? {};
  need(at, ['service', 'pattern']);
  return service === undefined || pattern === undefined ? undefined : { ...rest, service, pattern };
}

/** Placeholders stand for names, so a name must be sound in their place. */
function patternProblem(text: string): string | undefined {
  const filled = fillPattern(text, { service: 'a', namespace: 'a' });
  const unknown = /\{[^}]*\}?/.exec(filled)?.[0];
  if (unknown !== undefined) return `holds ${JSON.stringify(unknown)}: only {service} and {namespace} are filled in`;
  return parsesWith(parseIdentityPattern)(filled);
}

/** The pattern for one service. */
export function fillPattern(pattern: string, of: { readonly service: string; readonly namespace: string }): string {
  return pattern.replaceAll('{service}', of.service).replaceAll('{namespace}', of.namespace);
}

function readNetworks(at: Cursor): ServiceNetworks | undefined {
  const fields = at.fields<ServiceNetworks>({
    service: glob,
    namespace: glob,
    cidrs: entries((cidr) => cidr.checked(parsesWith(parseIpBlock))),
  });
  const { service, cidrs, ...rest } = fields ?? {};
  need(at, ['service', 'cidrs']);
  return service === undefined || cidrs === undefined ? undefined : { ...rest, service, cidrs };
}

function readAgentNetworks(at: Cursor): AgentNetworks | undefined {
  const { agent, cidrs } =
    at.fields<AgentNetworks>({
      agent: (pattern) => pattern.checked(agentProblem),
      cidrs: entries((cidr) => cidr.checked(parsesWith(parseIpBlock))),
    }) ?? {};
  need(at, ['agent', 'cidrs']);
  return agent === undefined || cidrs === undefined ? undefined : { agent, cidrs };
}

function agentProblem(text: string): string | undefined {
  const pattern = parseIdentityPattern(text);
  if (!pattern.ok) return pattern.problem;
  return pattern.value.kind === 'spiffe' ? undefined : 'must be the SPIFFE ID of agents, such as spiffe://*/agent/**';
}

function readLimits(at: Cursor): RegistryLimits | undefined {
  return at.fields<RegistryLimits>({
    registrations: readRate,
    queries: readRate,
    authenticationFailures: readFailures,
  });
}

function readRate(at: Cursor): RateSetting | undefined {
  const { perSecond, burst } = at.fields<RateSetting>({ perSecond: count, burst: count }) ?? {};
  need(at, ['perSecond']);
  return perSecond === undefined ? undefined : { perSecond, burst: Math.max(burst ?? perSecond, 1) };
}

function readFailures(at: Cursor): FailureSetting | undefined {
  const fields = at.fields<FailureSetting>({
    perMinute: count,
    blockSeconds: (seconds) => seconds.integer('seconds', { min: 1, max: DAY_SECONDS }),
  });
  const { perMinute, blockSeconds } = fields ?? {};
  need(at, ['perMinute', 'blockSeconds']);
  return perMinute === undefined || blockSeconds === undefined ? undefined : { perMinute, blockSeconds };
}

function need(at: Cursor, fields: readonly string[]): void {
  if (typeof at.value !== 'object' || at.value === null) return;
  for (const field of fields) if (at.child(field).value === undefined) at.error(`needs ${field}`);
}
