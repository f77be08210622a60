/** What a process of data planes is told first. */
export interface FleetOrder {
  readonly kind: 'start';
  readonly address: string;
  readonly caFile: string;
  readonly rootNamespace: string;
  readonly spoolDirectory: string;
  readonly planes: readonly { readonly id: string; readonly joinToken: string; readonly port: number }[];
}

/** Then, for each round: be ready to see this path denied, or this identity refused, and say when it is on each data plane. */
export type FleetMessage =
  | FleetOrder
  | { readonly kind: 'arm'; readonly path: string }
  | { readonly kind: 'arm'; readonly spiffeId: string }
  | { readonly kind: 'enforced' }
  | { readonly kind: 'stop' };

export const PROBE = 'cluster.local/ns/probes/sa/probe';
