/** How long a tunnel waits, in milliseconds. */
export interface TunnelLimits {
  /** For the other side to be there. */
  readonly connectMs: number;
  /** For a byte in either direction. */
  readonly idleMs: number;
}

/** Envoy's: `connect_timeout` of a cluster as Istio sets it, `idle_timeout` of its TCP proxy. */
export const TUNNEL_LIMITS: TunnelLimits = { connectMs: 10_000, idleMs: 3_600_000 };
