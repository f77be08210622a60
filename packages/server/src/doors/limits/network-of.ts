/** Groups of an IPv6 address that one customer of a network is given at least (RFC 6177). */
const CUSTOMER_GROUPS = 4;

/**
 * What addresses are told apart by: an IPv4 address itself, of an IPv6 address its /64, because whoever has one address of it has
 * all of them.
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) {
    return address;
  }
  const [before = '', after] = address.split('%', 1)[0]?.split('::') ?? [];
  const head = groupsOf(before);
  const tail = groupsOf(after ?? '');
  const filling =
    after === undefined ? [] : Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0');
  return `${[...head, ...filling, ...tail].slice(0, CUSTOMER_GROUPS).join(':')}::/64`;
}

function groupsOf(text: string): string[] {
  return text === '' ? [] : text.split(':').map((group) => group.replace(/^0+(?=.)/, '').toLowerCase());
}

/** IPv4 in its own form also where the socket is of both families. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}
