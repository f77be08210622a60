import { isIP } from 'node:net';
import { addressBytes, addressText } from '../dns/message/address-bytes.ts';

/**
 * Name of the host as a node, as clients of Consul know them: "ip-10-0-0-5" of an address, a host name as it is. Distinct spellings of
 * an address are one node. Lower-case, and a name that DNS can carry.
 */
export function nodeName(host: string): string {
  const bytes = addressBytes(host);
  if (bytes !== undefined) return `ip-${addressText(bytes).replaceAll(/[.:]/g, '-')}`;
  const name = host.toLowerCase();
  // Nobody gets onto the node of an address by calling itself so.
  return /^(?:ip|name)-/.test(name) ? `name-${name}` : name;
}

/** Whether a host is an address, rather than a name of one. */
export function isAddress(host: string): boolean {
  return isIP(host) !== 0;
}
