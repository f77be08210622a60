import { parseIpAddress } from './match/address/ip-block.ts';

/**
 * The client's address as far back as proxies are trusted (Envoy `xff_num_trusted_hops`): with none, the peer; with N, the
 * Nth address of X-Forwarded-For from its right end, which the outermost trusted proxy has written. When the header is
 * shorter than that, or has something else there, nothing in it can be trusted, and it is the peer.
 */
export function clientAddress(forwardedFor: string | undefined, trustedProxies: number, peer: string): string {
  if (trustedProxies === 0 || forwardedFor === undefined) return peer;
  const address = forwardedFor.split(',').at(-trustedProxies)?.trim() ?? '';
  // A zone means something on the machine that wrote it only (RFC 4007 §11).
  return address.includes('%') || parseIpAddress(address) === undefined ? peer : plainAddress(address);
}

/** IPv4-mapped IPv6 addresses are the IPv4 addresses they carry, or no `ipBlocks` would match on dual-stack listeners. */
export function plainAddress(address: string): string {
  const carried = address.startsWith(MAPPED) ? address.slice(MAPPED.length) : '';
  return carried.includes('.') && parseIpAddress(carried) !== undefined ? carried : address;
}

const MAPPED = '::ffff:';
