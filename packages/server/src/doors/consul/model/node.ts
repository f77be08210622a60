import { isIP } from 'node:net';
import { BoundedCache } from '@rampart/core';
import type { DiscoveredInstance, Locality } from '@rampart/registry';
import { nodeOf } from '../../instances/node-name.ts';
import { uuidOf } from '../acl/uuid.ts';
import type { Item } from '../filter/filter.ts';

const IDS = new BoundedCache<string, string>(10_000);

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
  {
    datacenter,
    index,
    node = nodeOf(instance),
  }: { readonly datacenter: string; readonly index: number; readonly node?: string },
): NodeFields {
  const { host, locality } = instance;
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
  const version = isIP(host);
  if (version === 0) return { lan: host, wan: host };
  const family = version === 6 ? 'ipv6' : 'ipv4';
  return { lan: host, [`lan_${family}`]: host, wan: host, [`wan_${family}`]: host };
}

export function nodeId(node: string): string {
  const known = IDS.get(node);
  if (known !== undefined) return known;
  const id = uuidOf(`rampart node ${node}`);
  IDS.set(node, id);
  return id;
}
