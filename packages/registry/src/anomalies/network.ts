import { parseIpAddress } from '@rampart/core';

/** What hosts are near each other by: the /24 of an IPv4 address, the /64 of an IPv6 one; a host name is itself. */
export function neighbourhoodOf(host: string): string {
  const words = parseIpAddress(host);
  if (words === undefined) return host.toLowerCase();
  const [first = 0, second = 0] = words;
  if (words.length === 1) return `${(first >>> 24) & 255}.${(first >>> 16) & 255}.${(first >>> 8) & 255}.0/24`;
  const groups = [first >>> 16, first & 0xffff, second >>> 16, second & 0xffff];
  return `${groups.map((group) => group.toString(16)).join(':')}::/64`;
}
