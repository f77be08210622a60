import type { Clock, Random } from '@rampart/core';
import type { Discovery, ServiceKey } from '@rampart/registry';
import type { Metrics } from '../metrics.ts';
import type { Teardown } from '../teardown.ts';
import type { DnsOptions } from '../doors/dns/dns-options.ts';
import { type Dns, openDns } from '../doors/dns/open-dns.ts';
import { KeyIndex } from '../doors/instances/key-index.ts';
import { nodeName } from '../doors/instances/node-name.ts';

export interface RegistryDoorsOptions {
  readonly host: string;
  /** Closed unless given. */
  readonly dns: DnsOptions | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

/** What the doors answer from. */
export interface RegistrySource {
  readonly discovery: Discovery;
  /** Whether whoever says nothing of himself may know of a service. */
  mayAnybodyRead(service: ServiceKey): boolean;
}

/** The doors that clients of other registries know. */
export interface RegistryDoors {
  /** "127.0.0.1:8600" where there is one. */
  readonly addresses: { readonly dns?: string };
  /** Answers from now on. */
  serve(source: RegistrySource): void;
}

/** Takes the ports that are asked for. @throws RampartError PORT_IN_USE, INVALID_ARGUMENT. */
export async function openRegistryDoors(
  options: RegistryDoorsOptions,
  { teardown, metrics }: { readonly teardown: Teardown; readonly metrics: Metrics },
): Promise<RegistryDoors> {
  const dns: Dns | undefined =
    options.dns === undefined ? undefined : await openDns({ ...options, ...options.dns, metrics });
  teardown.add('DNS door', () => dns?.close());
  return {
    addresses: dns === undefined ? {} : { dns: `${hostPart(options.host)}:${dns.port}` },
    serve: ({ discovery, mayAnybodyRead }) => {
      const nodes = new KeyIndex({ discovery, keysOf: ({ host }) => [nodeName(host)] });
      teardown.add('nodes', () => nodes.close());
      dns?.serve({ discovery, nodes, mayRead: mayAnybodyRead });
    },
  };
}

function hostPart(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
