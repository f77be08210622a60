import { parseIpAddress, parseIpBlock } from '../../policy/match/address/ip-block.ts';
import type { ServiceEntry } from '../../resource/resource.ts';
import { refused, type TrafficFinding } from './finding.ts';
import type { KnownHosts } from './known-hosts.ts';

/** Of the addresses of a version of IP, as a prefix: what one entry of a namespace may let its callers out to, all in all. */
const WIDEST_PREFIX = 8;

/**
 * Whoever may write in a namespace names places outside. What lets callers out to most of the world is a matter of the mesh, and of those
 * who write in the root namespace (`MeshConfig` `outboundTrafficPolicy`).
 */
export function reviewBreadth({ spec, metadata }: ServiceEntry, { rootNamespace }: KnownHosts): TrafficFinding[] {
  const { namespace } = metadata;
  if (namespace === rootNamespace) return [];
  const tooWide = (field: string, what: string): TrafficFinding =>
    refused(
      field,
      `lets callers out to ${what}, which an entry of namespace ${namespace} cannot: name fewer, or put it into namespace ${rootNamespace}`,
    );
  const hosts = spec.hosts.flatMap((host, index) =>
    host.startsWith('*.') && host.split('.').length === 2
      ? [tooWide(`spec.hosts[${index}]`, `every host below .${host.slice('*.'.length)}`)]
      : [],
  );
  const shares = { v4: 0, v6: 0 };
  const addresses = (spec.addresses ?? []).flatMap((text, index) => {
    const [version, share] = shareOf(text);
    shares[version] += share;
    const isTooMuch = shares[version] > 2 ** -WIDEST_PREFIX;
    return isTooMuch
      ? [tooWide(`spec.addresses[${index}]`, `more addresses than a block of /${WIDEST_PREFIX} has`)]
      : [];
  });
  return [...hosts, ...addresses];
}

/** Which part of all addresses of its version of IP a block is. */
function shareOf(text: string): readonly ['v4' | 'v6', number] {
  const version = text.includes(':') ? 'v6' : 'v4';
  const block = parseIpAddress(text) === undefined ? parseIpBlock(text) : undefined;
  return [version, block?.ok === true ? 2 ** -block.value.prefix : 0];
}
