import { isIP } from 'node:net';
import { type DiscoveredInstance, type Discovery, isInNetworks, type SpeakingAgent } from '@rampart/registry';
import { plainAddress } from '../doors/limits/network-of.ts';
import { FollowedInstances } from '../registry/followed-instances.ts';

type Networks = SpeakingAgent['networks'];
type Whereabouts = Pick<SpeakingAgent, 'address' | 'networks'>;

interface Beyond {
  readonly host: string;
  networks(): Networks;
  listener(): void;
}

/** Instances with checks that agents run, by the address of their host. Nothing is kept before the first agent listens. */
export class HostChecks {
  readonly #discovery: Discovery;
  readonly #followed: FollowedInstances;
  readonly #instances = new Map<string, DiscoveredInstance>();
  readonly #hosts = new Map<string, Set<string>>();
  readonly #listeners = new Map<string, Set<() => void>>();
  /** Those who listen at hosts of networks, too. */
  readonly #beyond = new Set<Beyond>();

  constructor(discovery: Discovery) {
    this.#discovery = discovery;
    this.#followed = new FollowedInstances(discovery, {
      clear: () => {
        for (const instanceId of [...this.#instances.keys()]) this.#drop(instanceId);
      },
      put: (instance) => this.#put(instance),
      drop: (instanceId) => this.#drop(instanceId),
    });
  }

  /** Those at an address or in networks; their state means nothing here. */
  at({ address, networks }: Whereabouts): readonly DiscoveredInstance[] {
    this.#followed.catchUp();
    const own = hostOf(address);
    const hosts = networks.length === 0 ? [] : [...this.#hosts.keys()].filter((host) => isInNetworks(host, networks));
    const ids = [...new Set([own, ...hosts])].flatMap((host) => [...(this.#hosts.get(host) ?? [])]);
    return ids.flatMap((id) => this.#instances.get(id) ?? []);
  }

  /** The same with the state that it has now. */
  now(instance: DiscoveredInstance): DiscoveredInstance {
    return this.#discovery.instance(instance.instanceId) ?? instance;
  }

  /** Calls back when one of those there came, went or is another; returns how to end it. Networks are asked for each time. */
  onChange(where: { readonly address: string; networks(): Networks }, listener: () => void): () => void {
    this.#followed.catchUp();
    const host = hostOf(where.address);
    const listeners = this.#listeners.get(host) ?? new Set();
    const own = (): void => listener();
    this.#listeners.set(host, listeners.add(own));
    const beyond = { host, networks: where.networks, listener };
    this.#beyond.add(beyond);
    return () => {
      this.#beyond.delete(beyond);
      listeners.delete(own);
      if (listeners.size === 0) this.#listeners.delete(host);
    };
  }

  close(): void {
    this.#followed.close();
  }

  #put(instance: DiscoveredInstance): void {
    const before = this.#instances.get(instance.instanceId);
    // What checks say makes another instance of the same registration.
    if (before?.checks === instance.checks && before.port === instance.port && before.host === instance.host) return;
    this.#drop(instance.instanceId);
    if (!instance.checks.some(({ runBy }) => runBy === 'agent')) return;
    const host = hostOf(instance.host);
    this.#instances.set(instance.instanceId, instance);
    this.#hosts.set(host, (this.#hosts.get(host) ?? new Set()).add(instance.instanceId));
    this.#tell(host);
  }

  #drop(instanceId: string): void {
    const instance = this.#instances.get(instanceId);
    if (instance === undefined) return;
    const host = hostOf(instance.host);
    const ids = this.#hosts.get(host);
    this.#instances.delete(instanceId);
    ids?.delete(instanceId);
    if (ids?.size === 0) this.#hosts.delete(host);
    this.#tell(host);
  }

  #tell(host: string): void {
    for (const listener of this.#listeners.get(host) ?? []) listener();
    for (const { host: own, networks, listener } of this.#beyond)
      if (own !== host && isInNetworks(host, networks())) listener();
  }
}

/** One spelling for each address. */
function hostOf(host: string): string {
  const plain = plainAddress(host);
  return isIP(plain) === 6 ? (URL.parse(`http://[${plain}]`)?.hostname ?? plain) : plain.toLowerCase();
}
