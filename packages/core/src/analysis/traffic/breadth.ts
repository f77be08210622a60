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
    host.startsWith('*.') && isRegistry(host.slice('*.'.length).split('.'))
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

/**
 * Labels under which registries of countries give out names to anybody, as in co.uk and or.at: what most of the public suffixes
 * (publicsuffix.org) below countries begin with. All of them are some thousands, which change, and which data planes need not carry.
 */
const GIVEN_OUT: ReadonlySet<string> = new Set([
  ...[
    'ac',
    'co',
    'com',
    'edu',
    'go',
    'gob',
    'gouv',
    'gov',
    'govt',
    'gv',
    'ltd',
    'mil',
    'ne',
    'net',
    'nhs',
    'nom',
    'or',
  ],
  ...['org', 'plc', 'police', 'sch'],
]);
/** Top-level domains of two letters are those of countries (ISO 3166-1). */
const COUNTRY = /^[a-z]{2}$/;

/** Whether everybody has names below this one: a top-level domain, or a registry's second level. */
function isRegistry([first = '', country = '', ...others]: readonly string[]): boolean {
  if (country === '') return true;
  return others.length === 0 && COUNTRY.test(country) && GIVEN_OUT.has(first);
}

/** Which part of all addresses of its version of IP a block is. */
function shareOf(text: string): readonly ['v4' | 'v6', number] {
  const version = text.includes(':') ? 'v6' : 'v4';
  const block = parseIpAddress(text) === undefined ? parseIpBlock(text) : undefined;
  return [version, block?.ok === true ? 2 ** -block.value.prefix : 0];
}
