import { isIP } from 'node:net';

/**
 * The client's address as far back as proxies are trusted (Envoy `xff_num_trusted_hops`): with none, the peer; with N, the
 * Nth address of X-Forwarded-For from its right end, which the outermost trusted proxy has written. When the header is
 * shorter than that, or has something else there, nothing in it can be trusted, and it is the peer.
 */
export function clientAddress(forwardedFor: string | undefined, trustedProxies: number, peer: string): string {
  if (trustedProxies === 0 || forwardedFor === undefined) return peer;
  const address = forwardedFor.split(',').at(-trustedProxies)?.trim() ?? '';
  return isIP(address) === 0 ? peer : plainAddress(address);
}

/** IPv4-mapped IPv6 addresses are the IPv4 addresses they carry, or no `ipBlocks` would match on dual-stack listeners. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;
}
