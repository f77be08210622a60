import { isIPv4, isIPv6 } from 'node:net';

const IPV4_OCTETS = 4;
const IPV6_OCTETS = 16;

/** Text of an iPAddress SAN (4 or 16 bytes; IPv6 as in RFC 5952); undefined for any other length. */
export function formatIpAddress(octets: Uint8Array): string | undefined {
  if (octets.length === IPV4_OCTETS) return octets.join('.');
  return octets.length === IPV6_OCTETS ? compress(groupsOf(octets)) : undefined;
}

/** Bytes of an IPv4 or IPv6 literal without zone; undefined for anything else. */
export function parseIpAddress(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number);
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const [head = '', tail] = text.split('::');
  const before = expand(head);
  const after = tail === undefined ? [] : expand(tail);
  const zeros = Array.from({ length: IPV6_OCTETS - before.length - after.length }, () => 0);
  return Uint8Array.from([...before, ...zeros, ...after]);
}

function expand(groups: string): number[] {
  if (groups === '') return [];
  return groups.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

function groupsOf(octets: Uint8Array): number[] {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  return Array.from({ length: IPV6_OCTETS / 2 }, (_, index) => view.getUint16(index * 2));
}

/** The first longest run of two or more zero groups becomes `::`. */
function compress(groups: readonly number[]): string {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (const [index, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: index - length + 1, length };
  }
  if (best.length < 2) return joinGroups(groups);
  return `${joinGroups(groups.slice(0, best.start))}::${joinGroups(groups.slice(best.start + best.length))}`;
}

function joinGroups(groups: readonly number[]): string {
  return groups.map((group) => group.toString(16)).join(':');
}
