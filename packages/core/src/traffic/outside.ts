import { BoundedCache } from '../bounded-cache.ts';
import {
  inIpBlock,
  parseIpAddress,
  parseIpBlock,
  type IpAddress,
  type IpBlock,
} from '../policy/match/address/ip-block.ts';
import { qualifiedName, type ServiceEntry } from '../resource/resource.ts';
import type { ServiceEntryEndpoint } from '../resource/traffic/service-entry/endpoint.ts';
import type { ServiceEntryPort } from '../resource/traffic/service-entry/port.ts';
import { HostTable } from './host.ts';
import type { OutsideEndpoint, OutsideService } from './rules.ts';

const MOST_CACHED = 2000;

interface Block {
  readonly block: IpBlock;
  readonly entry: ServiceEntry;
}

type Found = Omit<OutsideService, 'rules'>;

/** Hosts outside the mesh, as the ServiceEntries make them known that are for one caller's namespace. */
export class OutsideHosts {
  readonly #hosts = new HostTable<ServiceEntry>();
  readonly #blocks: readonly Block[];
  readonly #byAddress = new BoundedCache<string, { readonly found: Found | undefined }>(MOST_CACHED);

  /** The first one counts, where several are about the same host and port. */
  constructor(entries: readonly ServiceEntry[]) {
    for (const entry of entries) for (const host of entry.spec.hosts) this.#hosts.add(host, entry);
    this.#blocks = entries.flatMap((entry) => addressesOf(entry).map((text) => blocksOf(text, entry))).flat();
  }

  get isEmpty(): boolean {
    return this.#hosts.isEmpty;
  }

  knows(host: string): boolean {
    return !this.isEmpty && this.#hosts.about(host).length > 0;
  }

  /** By the host's own name first, then by the longest pattern, that has the port. */
  find(host: string, port: number): Found | undefined {
    if (this.isEmpty) return undefined;
    for (const entry of this.#hosts.about(host).flat()) {
      const known = entry.spec.ports.find(({ number }) => number === port);
      if (known !== undefined) return foundOf(host, entry, known);
    }
    return undefined;
  }

  findAddress(address: string, port: number): Found | undefined {
    if (this.#blocks.length === 0) return undefined;
    const key = `${address} ${port}`;
    let known = this.#byAddress.get(key);
    if (known === undefined) {
      known = { found: this.#lookUp(address, port) };
      this.#byAddress.set(key, known);
    }
    return known.found;
  }

  #lookUp(address: string, port: number): Found | undefined {
    const ip: IpAddress | undefined = parseIpAddress(address);
    if (ip === undefined) return undefined;
    for (const { block, entry } of this.#blocks) {
      if (!inIpBlock(block, ip)) continue;
      const known = entry.spec.ports.find((each) => portsOf(entry, each).includes(port));
      if (known !== undefined) return foundOf(address, entry, known);
    }
    return undefined;
  }
}

/** Addresses that calls may go to, those of instances among them: what looked the name up by itself calls one of them. */
function addressesOf({ spec: { addresses = [], endpoints = [] } }: ServiceEntry): string[] {
  return [...addresses, ...endpoints.map(({ address }) => address)];
}

function portsOf({ spec: { endpoints = [] } }: ServiceEntry, { number, name, targetPort }: ServiceEntryPort): number[] {
  const ofEndpoints = endpoints.map(({ ports = {} }) => (Object.hasOwn(ports, name) ? ports[name] : undefined));
  return [number, targetPort, ...ofEndpoints].filter((port) => port !== undefined);
}

function blocksOf(text: string, entry: ServiceEntry): Block[] {
  const parsed = parseIpBlock(text);
  return parsed.ok ? [{ block: parsed.value, entry }] : [];
}

function foundOf(host: string, entry: ServiceEntry, port: ServiceEntryPort): Found {
  const { resolution, endpoints = [], subjectAltNames = [] } = entry.spec;
  return {
    host,
    port: port.number,
    protocol: port.protocol,
    entry: qualifiedName(entry),
    resolution,
    endpoints: endpoints.map((endpoint) => endpointOf(endpoint, port)),
    targetPort: port.targetPort ?? port.number,
    subjectAltNames,
  };
}

function endpointOf(
  { address, ports = {}, weight = 1, labels = {}, locality = '' }: ServiceEntryEndpoint,
  port: ServiceEntryPort,
): OutsideEndpoint {
  const own = Object.hasOwn(ports, port.name) ? ports[port.name] : undefined;
  const [region = '', zone = '', subZone = ''] = locality.split('/');
  return { address, port: own ?? port.targetPort ?? port.number, weight, labels, locality: { region, zone, subZone } };
}
