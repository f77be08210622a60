import type { Clock, Random } from '@rampart/core';
import type { Registry } from '@rampart/registry';
import type { Logger } from '../../log.ts';
import type { Metrics } from '../../metrics.ts';
import { DEFAULT_DATACENTER, DEFAULT_NAMESPACE } from '../instances/consul-defaults.ts';
import { KeyIndex } from '../instances/key-index.ts';
import type { DoorCredentials } from '../tls.ts';
import type { AclParts } from './acl/acl-parts.ts';
import { ConsulApi } from './consul-api.ts';
import type { CallerDesk } from './consul-caller.ts';
import { type ConsulDoor, openConsulDoor } from './consul-door.ts';
import type { ConsulOptions } from './consul-options.ts';
import { ListIndexes } from './http/list-indexes.ts';
import type { RegistryView } from './registry-view.ts';

export interface OpenConsulOptions extends ConsulOptions {
  /** Of HTTPS. */
  readonly host: string;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly random: Random;
  readonly version: string;
}

/** What is answered from. */
export interface ConsulSource {
  readonly registry: Registry;
  readonly nodes: KeyIndex;
  readonly callers: CallerDesk;
  readonly acl: AclParts;
  discoveryOf: RegistryView['discoveryOf'];
  mayRead: RegistryView['mayRead'];
  mayReadAll: RegistryView['mayReadAll'];
  onRightsChange: RegistryView['onRightsChange'];
}

export interface Consul {
  readonly http: ConsulDoor | undefined;
  readonly https: ConsulDoor | undefined;
  use(credentials: DoorCredentials): void;
  serve(source: ConsulSource): void;
  close(): Promise<void>;
}

const LOOPBACK = '127.0.0.1';

/** Takes the ports that are asked for. @throws RampartError PORT_IN_USE; INVALID_ARGUMENT when this machine has no such address. */
export async function openConsul(options: OpenConsulOptions): Promise<Consul> {
  const { host, httpPort, httpsPort, log, metrics } = options;
  const calls = metrics.counter('rampart_consul_calls_total', 'Calls of the Consul API, by status.');
  const http =
    httpPort === undefined
      ? undefined
      : await openConsulDoor({ kind: 'http', host: LOOPBACK, port: httpPort, log, calls });
  const https =
    httpsPort === undefined ? undefined : await openSecure({ kind: 'https', host, port: httpsPort, log, calls }, http);
  const indexes: KeyIndex[] = [];
  return {
    http,
    https,
    use: (credentials) => https?.use(credentials),
    serve: (source) => {
      const view = viewOf(options, source);
      indexes.push(view.checks, view.owners);
      const api = new ConsulApi({ view, acl: source.acl, callers: source.callers });
      http?.serve(api);
      https?.serve(api);
    },
    close: async () => {
      for (const index of indexes) index.close();
      await Promise.all([http?.close(), https?.close()]);
    },
  };
}

/** The first port is given back when the second cannot be had. */
async function openSecure(
  options: Parameters<typeof openConsulDoor>[0],
  first: ConsulDoor | undefined,
): Promise<ConsulDoor> {
  try {
    return await openConsulDoor(options);
  } catch (error) {
    await first?.close();
    throw error;
  }
}

function viewOf(options: OpenConsulOptions, source: ConsulSource): RegistryView {
  const { registry, nodes, discoveryOf, mayRead, mayReadAll, onRightsChange } = source;
  const { discovery } = registry;
  const { clock, random, version, host } = options;
  return {
    registry,
    discovery,
    nodes,
    checks: new KeyIndex({ discovery, keysOf: ({ checks }) => checks.map(({ checkId }) => checkId) }),
    listIndexes: new ListIndexes(),
    owners: new KeyIndex({ discovery, keysOf: ({ owner }) => [owner] }),
    clock,
    random,
    version,
    address: host,
    datacenter: options.datacenter ?? DEFAULT_DATACENTER,
    namespace: options.namespace ?? DEFAULT_NAMESPACE,
    discoveryOf,
    mayRead,
    mayReadAll,
    onRightsChange,
  };
}
