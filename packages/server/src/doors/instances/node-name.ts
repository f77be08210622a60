import { isIP, isIPv4 } from 'node:net';
import type { Instance } from '@rampart/registry';
import { addressBytes, addressText } from '@rampart/wire/dns';

const RESERVED = /^(?:ip|name)-/i;

/**
 * Name of the host as a node, as clients of Consul know them: "ip-10-0-0-5" of an address, a host name as it is. Distinct spellings of
 * an address are one node. Lower-case, and a name that DNS can carry.
 */
export function nodeName(host: string): string {
  // Of IPv4 addresses there is one spelling.
  if (isIPv4(host)) return `ip-${host.replaceAll('.', '-')}`;
  const bytes = addressBytes(host);
  if (bytes !== undefined) return `ip-${addressText(bytes).replaceAll(/[.:]/g, '-')}`;
  const name = host.toLowerCase();
  // Nobody gets onto the node of an address by calling itself so.
  return RESERVED.test(name) ? `name-${name}` : name;
}

/** Label of an instance whose host was registered under a name of its own. */
export const NODE_LABEL = 'consul.rampart.dev/node';

/** Name of the host of an instance as clients of Consul see it: the one it was registered under, unless that is the form of an address. */
export function nodeOf({ host, labels }: Pick<Instance, 'host' | 'labels'>): string {
  const given = labels[NODE_LABEL];
  return given === undefined || RESERVED.test(given) ? nodeName(host) : given;
}

/** Under what the host of an instance is looked up: its name, and always that of its address. */
export function nodeKeys(instance: Pick<Instance, 'host' | 'labels'>): readonly string[] {
  return [...new Set([nodeOf(instance).toLowerCase(), nodeName(instance.host)])];
}

/** Whether a host is an address, rather than a name of one. */
export function isAddress(host: string): boolean {
  return isIP(host) !== 0;
}
