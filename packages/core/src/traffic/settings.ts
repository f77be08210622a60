import type { ClientTls } from '../resource/traffic/destination-rule/client-tls.ts';
import type { RetryCondition } from '../resource/traffic/virtual-service/retries.ts';

/** What rules look at in a request. */
export interface RoutedRequest {
  readonly method: string;
  /** In origin form, with its query. */
  readonly url: string;
  readonly authority: string;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** A header's name and value. */
export type HeaderEntry = readonly [name: string, value: string];

/** First names are removed, then set, then added beside what is there. */
export interface CompiledHeaders {
  readonly remove: readonly string[];
  readonly set: readonly HeaderEntry[];
  readonly add: readonly HeaderEntry[];
}

export interface CompiledHeaderChanges {
  readonly request?: CompiledHeaders;
  readonly response?: CompiledHeaders;
}

/** Where requests go: a service of the mesh, a host outside it, or a part of their instances. */
export interface CompiledDestination {
  /** The whole name, such as "orders-api.shop.svc.cluster.local". */
  readonly host: string;
  readonly subset?: string;
  /** That of the request where absent. */
  readonly port?: number;
}

export interface WeighedDestination extends CompiledDestination {
  /** A share of the sum of all. */
  readonly weight: number;
  readonly headers?: CompiledHeaderChanges;
}

export interface CompiledMirror extends CompiledDestination {
  /** 0–1. */
  readonly share: number;
}

/** An answer that no instance is asked for. */
export interface CompiledAnswer {
  readonly status: number;
  readonly headers: readonly HeaderEntry[];
  readonly body: Uint8Array;
}

export interface CompiledRetries {
  /** Tries after the first one. */
  readonly attempts: number;
  readonly on: ReadonlySet<RetryCondition>;
  readonly statuses: ReadonlySet<number>;
  readonly perTryTimeoutMs?: number;
  readonly backoffMs?: number;
}

/** Shares are 0–1. */
export interface CompiledFault {
  readonly delay?: { readonly share: number; readonly milliseconds: number };
  readonly abort?: { readonly share: number; readonly status: number; readonly grpcStatus?: number };
}

/** What one route does with the requests that it is about. */
export interface CompiledRoute {
  /** "shop/orders canary": the VirtualService, and which of its routes. */
  readonly name: string;
  /** Empty for a route that answers by itself. */
  readonly destinations: readonly WeighedDestination[];
  /** A redirect or a direct response: nothing is sent. */
  readonly answer?: (request: RoutedRequest) => CompiledAnswer;
  /** The target to send in place of the request's. */
  readonly rewriteUrl?: (url: string) => string;
  readonly authority?: string;
  readonly timeoutMs?: number;
  readonly retries?: CompiledRetries;
  readonly fault?: CompiledFault;
  readonly mirrors?: readonly CompiledMirror[];
  readonly headers?: CompiledHeaderChanges;
}

/** What of a request is hashed; any instance will do for a request that does not have it. */
export type CompiledHashSource =
  | { readonly of: 'header' | 'query'; readonly name: string }
  | { readonly of: 'cookie'; readonly name: string; readonly path?: string; readonly ttlMs?: number }
  /** The address of the caller, which is always this workload. */
  | { readonly of: 'caller' };

export type CompiledBalancer =
  | { readonly kind: 'round-robin' }
  | { readonly kind: 'random' }
  | { readonly kind: 'least-request' }
  | {
      readonly kind: 'hash';
      readonly table: 'ring' | 'maglev';
      readonly size?: number;
      readonly source: CompiledHashSource;
    };

/** Region, zone and sub-zone; "" for those that are not known. */
export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

export interface CompiledLocality {
  /** Where the caller is. */
  readonly own: Locality;
  /** Share of each place, in percent; absent: the nearest first. */
  readonly distribute?: readonly { readonly to: string; readonly weight: number }[];
  /** The region that is next when nothing of the own one is healthy; absent: any. */
  readonly failover?: string;
}

export interface CompiledWarmup {
  readonly durationMs: number;
  /** 0–1, of its share. */
  readonly minimum?: number;
  readonly aggression?: number;
}

/** A count of 0 is not counted. */
export interface CompiledOutlier {
  readonly consecutive5xx: number;
  /** 502, 503 and 504. */
  readonly consecutiveGateway: number;
  /** Failures without an answer, where they are counted apart; 0: as answers of a gateway. */
  readonly consecutiveLocal: number;
  readonly intervalMs: number;
  readonly baseEjectionMs: number;
  readonly maxEjectionPercent: number;
  readonly minHealthPercent: number;
}

/** What is absent is not limited. */
export interface CompiledLimits {
  /** Requests under way. */
  readonly requests?: number;
  /** Requests that wait until one of those is over. */
  readonly pending?: number;
  /** Requests under way that are repetitions. */
  readonly retries?: number;
}

/** How connections are opened; what is absent is as without any rule. */
export interface CompiledConnections {
  readonly connectTimeoutMs?: number;
  readonly keepaliveMs?: number;
}

/** What is answered where no instance can: an earlier answer, else one that is always the same. */
export interface CompiledFallback {
  /** How old an earlier answer to the same GET may be. */
  readonly staleMs?: number;
  readonly response?: {
    readonly status: number;
    readonly headers: readonly HeaderEntry[];
    readonly body: string;
  };
}

/** How the instances of a service, or of a subset of it, are used on one port. What is absent is as without any rule. */
export interface CompiledPolicy {
  readonly balancer?: CompiledBalancer;
  readonly warmup?: CompiledWarmup;
  readonly locality?: CompiledLocality;
  readonly outlier?: CompiledOutlier;
  readonly limits?: CompiledLimits;
  readonly connections?: CompiledConnections;
  readonly retryBudget?: { readonly share: number; readonly minimum: number };
  /** Where none of them can answer. */
  readonly fallback?: CompiledFallback;
  /** Of connections to hosts outside the mesh. */
  readonly tls?: ClientTls;
}
