import { isIPv4 } from 'node:net';
import type { Random } from '@rampart/core';
import type { DiscoveredInstance, Discovery, ServiceKey } from '@rampart/registry';
import {
  addressBytes,
  addressText,
  type Answer,
  type DnsRecord,
  type Question,
  RCODE,
  type RecordData,
  refusal,
  reverseAddress,
  TYPE,
} from '@rampart/wire/dns';
import type { KeyIndex } from '../instances/key-index.ts';
import { isAddress, nodeName } from '../instances/node-name.ts';
import { CONSUL, type Lookup, lookupOf, MESH, type Zone, zoneOf, type ZoneOptions } from './names/lookup.ts';

export interface ZoneAnswersOptions extends ZoneOptions {
  readonly discovery: Discovery;
  /** Instances by the name of their host as a node. */
  readonly nodes: KeyIndex;
  /** Whether somebody who says nothing of himself may know of a service. What he may not know of is not there. */
  mayRead(service: ServiceKey, sourceIp: string): boolean;
  /** Seconds that an answer may be kept. */
  readonly ttlSeconds: number;
  /** Seconds that "there is no such name" may be kept. */
  readonly negativeTtlSeconds: number;
  /** The address this door can be reached under; undefined when it listens on all. */
  readonly address: string | undefined;
  readonly random: Random;
  now(): number;
}

/** A question, and the address that it seems to come from. */
export type Asked = Question & { readonly source: string };

const SRV_PRIORITY = 1;
const HEAVIEST = 65_535;
const EMPTY = { answers: [], authorities: [], additionals: [] } as const;

/** Answers questions about the names of services from what can be found now. */
export class ZoneAnswers {
  readonly #options: ZoneAnswersOptions;

  constructor(options: ZoneAnswersOptions) {
    this.#options = options;
  }

  /** Undefined when the name is in no zone of ours, and when nothing of ours has the address of a reverse name. */
  answer(question: Asked): Answer | undefined {
    const place = zoneOf(question.labels);
    if (place === undefined) return this.#pointer(question);
    if (question.type === TYPE.AXFR || question.type === TYPE.IXFR) return refusal(RCODE.REFUSED);
    const found = this.#recordsOf(place.zone, lookupOf(place.zone, place.labels, this.#options), question);
    if (found === undefined) return this.#nothing(place.zone, RCODE.NXDOMAIN);
    if (found.answers.length === 0) return this.#nothing(place.zone, RCODE.NOERROR);
    return { rcode: RCODE.NOERROR, authoritative: true, authorities: [], ...found };
  }

  #recordsOf(zone: Zone, lookup: Lookup, question: Asked): Found | undefined {
    const { type } = question;
    switch (lookup.kind) {
      case 'service':
        return this.#service(lookup, question);
      case 'node':
        return this.#node(lookup.node, question);
      case 'address':
        return { answers: this.#addresses([lookup.address], type), additionals: [] };
      case 'apex':
        return { answers: this.#apex(zone, type), additionals: this.#nameServer(zone) };
      case 'name-server':
        return { answers: this.#addresses(this.#ownAddress(), type), additionals: [] };
      case 'between':
        return EMPTY;
      case 'unknown':
        return undefined;
    }
  }

  #service(lookup: Lookup & { kind: 'service' }, { type, source }: Asked): Found | undefined {
    const { service, namespace, tag } = lookup;
    if (!this.#options.mayRead({ service, namespace }, source)) return undefined;
    const { instances } = this.#options.discovery.find({ service, namespace, health: 'usable' });
    const meant = tag === undefined ? instances : instances.filter(({ tags }) => hasTag(tags, tag));
    if (meant.length === 0) return undefined;
    const shuffled = this.#shuffle(meant);
    if (type === TYPE.SRV) return this.#serviceLocations(shuffled);
    const hosts = [...new Set(shuffled.map(({ host }) => host))];
    return { answers: this.#hosts(hosts, type), additionals: [] };
  }

  #serviceLocations(instances: readonly DiscoveredInstance[]): Found {
    const answers = instances.map(({ host, port, weights, state }) =>
      this.#own({
        type: 'SRV',
        priority: SRV_PRIORITY,
        weight: Math.min(HEAVIEST, state.health === 'warning' ? weights.warning : weights.passing),
        port,
        target: this.#targetOf(host),
      }),
    );
    const hosts = [...new Set(instances.map(({ host }) => host))].filter(isAddress);
    const additionals = hosts.map((host) => ({ ...this.#own(addressData(host)), owner: this.#targetOf(host) }));
    return { answers, additionals };
  }

  #node(node: string, { type, source }: Asked): Found | undefined {
    const known = this.#options.nodes.get(node).flatMap((id) => this.#readable(id, source));
    // A host has the name of its address here, and no other that somebody gave it.
    const here = known.filter(({ host }) => nodeName(host) === node);
    const [first] = here;
    if (first === undefined) return undefined;
    if (type !== TYPE.TXT) return { answers: this.#hosts([first.host], type), additionals: [] };
    return { answers: localityTexts(here).map((text) => this.#own({ type: 'TXT', texts: [text] })), additionals: [] };
  }

  #readable(instanceId: string, source: string): DiscoveredInstance[] {
    const found = this.#options.discovery.instance(instanceId);
    return found !== undefined && this.#options.mayRead(found, source) ? [found] : [];
  }

  /** Addresses where there are any of the family; else one name that leads on, because there can be only one (RFC 2181 §10.1). */
  #hosts(hosts: readonly string[], type: number): readonly DnsRecord[] {
    const addresses = hosts.filter(isAddress);
    const alias = hosts.find((host) => !isAddress(host));
    if (addresses.length > 0 || alias === undefined) return this.#addresses(addresses, type);
    const leads = type === TYPE.A || type === TYPE.AAAA || type === TYPE.CNAME || type === TYPE.ANY;
    return leads ? [this.#own({ type: 'CNAME', target: alias.toLowerCase() })] : [];
  }

  #addresses(addresses: readonly string[], type: number): readonly DnsRecord[] {
    const records = new Map<string, DnsRecord>();
    for (const address of addresses) {
      const data = addressData(address);
      if (type === TYPE.ANY || type === TYPE[data.type]) records.set(data.address, this.#own(data));
    }
    return [...records.values()];
  }

  #apex(zone: Zone, type: number): readonly DnsRecord[] {
    if (type === TYPE.SOA) return [this.#soa(zone, undefined)];
    return type === TYPE.NS ? [this.#own({ type: 'NS', target: `ns.${zone}` })] : [];
  }

  #nameServer(zone: Zone): readonly DnsRecord[] {
    return this.#ownAddress().map((address) => ({ ...this.#own(addressData(address)), owner: `ns.${zone}` }));
  }

  #ownAddress(): readonly string[] {
    return this.#options.address === undefined ? [] : [this.#options.address];
  }

  /** Services of the address, in either family of reverse names. */
  #pointer({ labels, type, source }: Asked): Answer | undefined {
    const address = reverseAddress(labels);
    if (address === undefined || (type !== TYPE.PTR && type !== TYPE.ANY)) return undefined;
    const here = this.#options.nodes.get(nodeName(address)).flatMap((id) => this.#readable(id, source));
    const names = here.map((instance) => this.#nameOf(instance));
    if (names.length === 0) return undefined;
    const answers = [...new Set(names)].map((target) => this.#own({ type: 'PTR', target }));
    return { ...EMPTY, rcode: RCODE.NOERROR, authoritative: true, answers };
  }

  #nameOf({ service, namespace }: ServiceKey): string {
    const { datacenter, namespace: own } = this.#options;
    return namespace === own ? `${service}.service.${datacenter}.${CONSUL}` : `${service}.${namespace}.${MESH}`;
  }

  #targetOf(host: string): string {
    const bytes = addressBytes(host);
    if (bytes === undefined) return host.toLowerCase();
    return `${Buffer.from(bytes).toString('hex')}.addr.${this.#options.datacenter}.${CONSUL}`;
  }

  /** RFC 2308: with the record that says how long this may be kept. */
  #nothing(zone: Zone, rcode: typeof RCODE.NXDOMAIN | typeof RCODE.NOERROR): Answer {
    return { ...EMPTY, rcode, authoritative: true, authorities: [this.#soa(zone, zone)] };
  }

  #soa(zone: Zone, owner: string | undefined): DnsRecord {
    const { negativeTtlSeconds, now } = this.#options;
    const soa = {
      nameServer: `ns.${zone}`,
      mailbox: `hostmaster.${zone}`,
      serial: Math.floor(now() / 1000) >>> 0,
      refresh: 3600,
      retry: 600,
      expire: 86_400,
      negativeTtl: negativeTtlSeconds,
    };
    return { owner, ttl: negativeTtlSeconds, data: { type: 'SOA', soa } };
  }

  #own<Data extends RecordData>(data: Data): DnsRecord & { readonly data: Data } {
    return { owner: undefined, ttl: this.#options.ttlSeconds, data };
  }

  /** Fisher–Yates, with one number of the real generator for each answer: an order is no secret. */
  #shuffle<T>(given: readonly T[]): readonly T[] {
    const items = [...given];
    let state = Math.floor(this.#options.random() * 2 ** 32) | 1;
    for (let left = items.length; left > 1; left -= 1) {
      // xorshift32 (Marsaglia 2003).
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      const pick = (state >>> 0) % left;
      const last = items[left - 1];
      const picked = items[pick];
      if (last !== undefined && picked !== undefined) [items[left - 1], items[pick]] = [picked, last];
    }
    return items;
  }
}

interface Found {
  readonly answers: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

/** Names are compared without regard to case, so a tag that is a part of one is too. */
function hasTag(tags: readonly string[], asked: string): boolean {
  return tags.some((tag) => tag.toLowerCase() === asked);
}

/** In the spelling that is the same for all, so that one address is answered once. */
function addressData(address: string): RecordData & { readonly type: 'A' | 'AAAA' } {
  if (isIPv4(address)) return { type: 'A', address };
  const bytes = addressBytes(address);
  return { type: 'AAAA', address: bytes === undefined ? address : addressText(bytes) };
}

/** RFC 1464: where the instances of a node say that they are. */
function localityTexts(here: readonly DiscoveredInstance[]): readonly string[] {
  const pairs = here.flatMap(({ locality }) =>
    locality === undefined
      ? []
      : [`region=${locality.region}`, ...(locality.zone === undefined ? [] : [`zone=${locality.zone}`])],
  );
  return [...new Set(pairs)];
}
