import type { AccessLogRecord } from '../access-log.ts';
import { normalizePath, type PathNormalization, pathOf } from '../policy/path.ts';
import type { AuthorizationPolicy } from '../resource/resource.ts';
import { type ServiceName, serviceHost } from '../service-name.ts';
import { rulesFor, type SuggestedRule } from './suggest/operations.ts';
import { isTemplatable, PathTree, type UsedPath } from './suggest/path-tree.ts';

/** Requests that no rule comes from, by why. */
export interface SuggestionLeftOut {
  /** Callers without identity: a rule that let them in would let in everybody. */
  readonly plaintext: number;
  readonly denied: number;
  /** Their path or method holds "*", "{" or "}", which would be read as a wildcard, or is not on record as a whole. */
  readonly unwritable: number;
}

/** Least-privilege policies for a service, and where they come from. */
export interface SuggestedPolicies {
  readonly service: ServiceName;
  /** Requests that the rules come from. */
  readonly requests: number;
  readonly leftOut: SuggestionLeftOut;
  readonly rules: readonly SuggestedRule[];
  /** The rules as one policy, or more where one would be too large. */
  readonly policies: readonly AuthorizationPolicy[];
}

export interface TrafficSampleOptions {
  readonly service: ServiceName;
  /** Unix milliseconds: requests that began before are left out. */
  readonly since: number;
  readonly pathNormalization?: PathNormalization;
}

const SCHEME = 'spiffe://';
/** Longest path that an access log keeps whole (UTF-16 code units). */
const LONGEST_PATH = 8190;
const MOST_SEGMENTS = 64;
/** The schema's own limit (see `readRules`). */
const RULES_A_POLICY = 512;
const WILDCARDS = /[*{}]/;

/** Learns from the requests on record who calls a service, and how. */
export class TrafficSample {
  readonly #options: TrafficSampleOptions;
  readonly #host: string;
  readonly #since: string;
  readonly #tree = new PathTree();
  /** Paths that no template can stand for. */
  readonly #exact = new Map<string, Map<string, Map<string, number>>>();
  readonly #leftOut = { plaintext: 0, denied: 0, unwritable: 0 };
  readonly #destinations = new Set<string>();
  #requests = 0;

  constructor(options: TrafficSampleOptions) {
    this.#options = options;
    this.#host = serviceHost(options.service);
    this.#since = new Date(Math.max(0, options.since)).toISOString();
  }

  /** Principals of the workloads that served the requests. */
  get destinations(): readonly string[] {
    return [...this.#destinations];
  }

  get requests(): number {
    return this.#requests;
  }

  /** Paths and parameters that were found. */
  get size(): number {
    return this.#tree.size + this.#exact.size;
  }

  add(record: AccessLogRecord): void {
    const { timestamp, reporter, destination_service: service } = record;
    if (timestamp < this.#since || reporter === 'source' || service !== this.#host) return;
    const reason = unusable(record);
    const path = reason === undefined ? this.#pathOf(record.request_path) : undefined;
    if (path === undefined) {
      this.#leftOut[reason ?? 'unwritable'] += 1;
      return;
    }
    this.#requests += 1;
    this.#destinations.add(withoutScheme(record.destination_principal));
    this.#count(path, { method: record.request_method, principal: withoutScheme(record.source_principal) });
  }

  /** Policies for the workloads with these labels. */
  suggest(labels: Readonly<Record<string, string>>): SuggestedPolicies {
    const exact = [...this.#exact].map(([path, use]): UsedPath => ({ segments: path.slice(1).split('/'), use }));
    const rules = rulesFor([...this.#tree.list(), ...exact]);
    const { service } = this.#options;
    const policies: AuthorizationPolicy[] = [];
    for (let first = 0; first < rules.length; first += RULES_A_POLICY)
      policies.push(
        policyOf(rules.slice(first, first + RULES_A_POLICY), { service, labels, number: policies.length + 1 }),
      );
    return { service, requests: this.#requests, leftOut: { ...this.#leftOut }, rules, policies };
  }

  /** The path as policies see it; undefined when a policy could not name it and nothing else. */
  #pathOf(target: string): string | undefined {
    const normal = normalizePath(target, this.#options.pathNormalization);
    const path = normal.ok ? pathOf(normal.value) : '';
    return !path.startsWith('/') || target.length >= LONGEST_PATH || WILDCARDS.test(path) ? undefined : path;
  }

  #count(path: string, use: { readonly method: string; readonly principal: string }): void {
    const segments = path.slice(1).split('/');
    if (segments.length <= MOST_SEGMENTS && isTemplatable(segments)) {
      this.#tree.add(segments, use);
      return;
    }
    const methods = this.#exact.get(path) ?? new Map<string, Map<string, number>>();
    this.#exact.set(path, methods);
    const principals = methods.get(use.method) ?? new Map<string, number>();
    methods.set(use.method, principals);
    principals.set(use.principal, (principals.get(use.principal) ?? 0) + 1);
  }
}

function unusable(record: AccessLogRecord): keyof SuggestionLeftOut | undefined {
  if (record.authorization_decision === 'DENY') return 'denied';
  if (record.source_principal === '') return 'plaintext';
  return record.request_method === '' || WILDCARDS.test(record.request_method) ? 'unwritable' : undefined;
}

function withoutScheme(id: string): string {
  return id.startsWith(SCHEME) ? id.slice(SCHEME.length) : id;
}

interface PolicyPlace {
  readonly service: ServiceName;
  readonly labels: Readonly<Record<string, string>>;
  /** From 1. */
  readonly number: number;
}

function policyOf(rules: readonly SuggestedRule[], { service, labels, number }: PolicyPlace): AuthorizationPolicy {
  const suffix = number === 1 ? '' : `-${number}`;
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: {
      name: `${service.name}-from-traffic${suffix}`,
      namespace: service.namespace,
      labels: {},
      annotations: {},
    },
    spec: {
      selector: { matchLabels: labels },
      action: 'ALLOW',
      rules: rules.map(({ principals, operations }) => ({
        from: [{ source: { principals } }],
        to: operations.map(({ methods, paths, notPaths }) => ({
          operation: { methods, paths, ...(notPaths.length === 0 ? {} : { notPaths }) },
        })),
      })),
    },
  };
}
