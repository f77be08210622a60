/** How an instance is chosen among those that may be. */
export type BalancerSettings =
  | { readonly kind: 'round-robin' }
  | { readonly kind: 'random' }
  | LeastRequestSettings
  | ConsistentHashSettings;

/** Of some instances drawn at random, the one that is expected to answer first. */
export interface LeastRequestSettings {
  readonly kind: 'least-request';
  /** How many are drawn; 2 unless given. */
  readonly choices?: number;
  /** "latency": requests under way times the moving average of latencies, unless given; "active": requests under way alone. */
  readonly cost?: 'latency' | 'active';
}

/** The same instance for the same value of a request, as long as it is there. */
export interface ConsistentHashSettings {
  readonly kind: 'hash';
  readonly table: 'ring' | 'maglev';
  /** Points on the ring at least (1024), or places of the Maglev table, a prime (65537). */
  readonly size?: number;
  readonly source?: HashSource;
}

/** What of a request is hashed; any instance will do for a request that does not have it. */
export type HashSource =
  | { readonly of: 'header' | 'query'; readonly name: string }
  /** Made up and given to the caller where it has none and a time to live says for how long: 0 for its session. */
  | { readonly of: 'cookie'; readonly name: string; readonly path?: string; readonly ttlMs?: number }
  /** The caller is always this workload. */
  | { readonly of: 'caller' };

/** How much a new instance is given until it is warm (Istio `warmup`, Envoy slow start). */
export interface WarmupSettings {
  readonly durationMs: number;
  /** Share of its weight that it begins with, 0–1; 0.1 unless given. */
  readonly minimum?: number;
  /** 1 is a straight line; more is quicker at first. */
  readonly aggression?: number;
}

/** Region, zone and sub-zone; "" for those that are not known. */
export interface InstanceLocality {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

/** Where requests go by the place of instances (Istio `localityLbSetting`). */
export interface LocalitySettings {
  /** Where this workload is. */
  readonly own: InstanceLocality;
  /** Share of each locality "region/zone/subZone", "*" for what follows; absent: the nearest first. */
  readonly distribute?: readonly { readonly to: string; readonly weight: number }[];
  /** Region that is next when the own one is out. */
  readonly failover?: string;
}
