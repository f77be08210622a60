import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { DiscoveredInstance, Locality } from '@rampart/registry';
import { nodeOf } from '../../instances/node-name.ts';
import type { Item } from '../filter/filter.ts';

/** A host as clients of Consul know nodes: one for each address or host name that instances are on. */
export interface NodeFields {
  readonly [key: string]: Item | undefined;
  readonly ID: string;
  readonly Node: string;
  readonly Address: string;
  readonly Datacenter: string;
  readonly TaggedAddresses: Readonly<Record<string, string>>;
  readonly Meta: Readonly<Record<string, string>>;
  readonly CreateIndex: number;
  readonly ModifyIndex: number;
}

export function nodeFields(
  instance: Pick<DiscoveredInstance, 'host' | 'labels' | 'locality'>,
  { datacenter, index }: { readonly datacenter: string; readonly index: number },
): NodeFields {
  const { host, locality } = instance;
  const node = nodeOf(instance);
  return {
    ID: nodeId(node),
    Node: node,
    Address: host,
    Datacenter: datacenter,
    TaggedAddresses: taggedAddresses(host),
    Meta: localityMeta(locality),
    CreateIndex: index,
    ModifyIndex: index,
  };
}

/** What can be asked for with `node-meta`: where the node is. */
export function localityMeta(locality: Locality | undefined): Readonly<Record<string, string>> {
  if (locality === undefined) return {};
  return { region: locality.region, ...(locality.zone === undefined ? {} : { zone: locality.zone }) };
}

function taggedAddresses(host: string): Readonly<Record<string, string>> {
  const family = isIPv6(host) ? 'ipv6' : 'ipv4';
  return { lan: host, [`lan_${family}`]: host, wan: host, [`wan_${family}`]: host };
}

/** A UUID that is always the same for a node (RFC 9562 §5.8, version 8 over SHA-256). */
export function nodeId(node: string): string {
  const hash = createHash('sha256').update(`rampart node ${node}`).digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x80;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex').slice(0, 32);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
