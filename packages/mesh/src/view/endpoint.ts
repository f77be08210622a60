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
}

/** All instances of one service, as the registry last told. */
export interface MeshService {
  readonly namespace: string;
  readonly name: string;
  /** "orders-api.default.svc". */
  readonly host: string;
  readonly endpoints: readonly MeshEndpoint[];
}
