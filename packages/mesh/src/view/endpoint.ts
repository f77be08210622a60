import type { SpiffeId } from '@rampart/core';

/** One place where an instance of a service answers, and who must answer there. */
export interface MeshEndpoint {
  readonly instanceId: string;
  /** IP literal or host name. */
  readonly host: string;
  readonly port: number;
  readonly protocol: string;
  readonly spiffeId: SpiffeId;
  /** `spiffeId` in text, made once. */
  readonly identity: string;
  readonly labels: Readonly<Record<string, string>>;
  /** "host:port". */
  readonly address: string;
  /** How much it is to be given beside others; 1 unless given. */
  readonly weight?: number;
}

/** A service, as the registry last told. */
export interface MeshService {
  readonly namespace: string;
  readonly name: string;
  /** "orders-api.default.svc". */
  readonly host: string;
  /** Those that may be given requests. */
  readonly endpoints: readonly MeshEndpoint[];
  /** Instances that are registered and may not: they drain, are in maintenance or critical. */
  readonly outOfService?: number;
}
