import { parseConditionKey, type ConditionKey } from '../../resource/authorization/condition-key.ts';
import { MAX_KEYS, secondsOf, type RateLimitRule } from '../../resource/rate-limit/rule.ts';
import type { ConnectionLimit } from '../../resource/rate-limit/spec.ts';
import { qualifiedName, type RateLimit } from '../../resource/resource.ts';
import type { Rate } from '../../token-buckets.ts';
import type { ConnectionAttributes, RequestAttributes } from '../attributes.ts';
import type { TrustDomains } from '../match/identity.ts';
import { compileMatches, type RequestTest } from './request-test.ts';

/** So many requests in so many seconds, as a token bucket. */
export interface RequestRate extends Rate {
  readonly requests: number;
  readonly windowSeconds: number;
}

/** One rule of a RateLimit, ready to be asked. */
export interface RequestLimit {
  /** "namespace/name". */
  readonly policy: string;
  readonly rule: string;
  /** Equal for rules that count alike: what is counted goes on over other revisions of the policy. */
  readonly identity: string;
  readonly isShadow: boolean;
  readonly isShared: boolean;
  readonly rate: RequestRate | undefined;
  readonly concurrency: number | undefined;
  readonly isAbout: RequestTest;
  /** Names the counter of a request. */
  keyOf(connection: ConnectionAttributes, request: RequestAttributes): string;
}

/** A limit of connections, and the policy that it stands in. */
export interface PolicyConnectionLimit extends ConnectionLimit {
  /** "namespace/name". */
  readonly policy: string;
}

/** Everything that limits a workload, oldest policy first. */
export interface WorkloadLimits {
  readonly requests: readonly RequestLimit[];
  readonly connections: readonly PolicyConnectionLimit[];
  /** Whether any rule is counted in all data planes together. */
  readonly hasShared: boolean;
}

export const UNLIMITED: WorkloadLimits = { requests: [], connections: [], hasShared: false };

export function compileLimits(policies: readonly RateLimit[], domains: TrustDomains): WorkloadLimits {
  if (policies.length === 0) return UNLIMITED;
  const requests = policies.flatMap((policy) =>
    (policy.spec.rules ?? []).map((rule) => compileRule(policy, rule, domains)),
  );
  return {
    requests,
    hasShared: requests.some(({ isShared }) => isShared),
    connections: policies.flatMap((policy) =>
      (policy.spec.connections ?? []).map((limit) => ({ ...limit, policy: qualifiedName(policy) })),
    ),
  };
}

/** How fast and how many at once a rule lets requests through; undefined for a rule of concurrency alone. */
export function rateOf({ requests, unit = 'SECOND', burst }: RateLimitRule): RequestRate | undefined {
  if (requests === undefined) return undefined;
  const windowSeconds = secondsOf(unit);
  return { requests, windowSeconds, perSecond: requests / windowSeconds, burst: burst ?? requests };
}

function compileRule(policy: RateLimit, rule: RateLimitRule, domains: TrustDomains): RequestLimit {
  const name = qualifiedName(policy);
  return {
    policy: name,
    rule: rule.name,
    identity: JSON.stringify([name, rule.name, rule.key, rule.requests, rule.unit, rule.burst, rule.shared]),
    isShadow: policy.spec.mode === 'SHADOW',
    isShared: rule.shared === true,
    rate: rateOf(rule),
    concurrency: rule.concurrency,
    isAbout: compileMatches(rule.match, domains),
    keyOf: compileKey(rule.key ?? []),
  };
}

type KeyPart = (connection: ConnectionAttributes, request: RequestAttributes) => string;

/** Longer values count by their beginning: what a caller chooses freely must not fill the memory. */
const LONGEST = 256;
/** Characters of the longest name that a counter can have, `RequestLimit.keyOf`. */
export const LONGEST_LIMIT_KEY: number = MAX_KEYS * (LONGEST + 1);

function compileKey(keys: readonly string[]): RequestLimit['keyOf'] {
  const parts = keys.map(compilePart);
  const [only] = parts;
  if (only === undefined) return () => '';
  if (parts.length === 1) return only;
  // No part has a line break in it: it could not have come in a header.
  return (connection, request) => parts.map((part) => part(connection, request)).join('\n');
}

function compilePart(text: string): KeyPart {
  const key = parseConditionKey(text);
  if (!key.ok) return () => '';
  const read = readerOf(key.value);
  return (connection, request) => {
    const value = read(connection, request);
    return value.length > LONGEST ? value.slice(0, LONGEST) : value;
  };
}

const READERS: Readonly<Partial<Record<ConditionKey['attribute'], KeyPart>>> = {
  'source.principal': ({ principal = '' }) => principal,
  'source.namespace': ({ principal = '' }) => /\/ns\/([^/]+)\//.exec(principal)?.[1] ?? '',
  'source.ip': ({ sourceIp }) => sourceIp,
  'remote.ip': (_, { remoteIp }) => remoteIp,
  'request.auth.principal': (_, { token }) => token?.principal ?? '',
};

function readerOf(key: ConditionKey): KeyPart {
  if (key.attribute === 'request.headers') return (_, request) => request.header(key.header) ?? '';
  return READERS[key.attribute] ?? ((): string => '');
}
