import dns from 'node:dns';
import type { LookupAddress } from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';

import type { Outbound } from '@rampart/mesh';

import type { Place } from './connect-arguments.ts';

/** 127.64.0.0/10: loopback addresses that nobody else uses. */
const FIRST = (127 << 24) | (64 << 16) | 1;
const MOST: number = 1 << 16;

/**
 * Addresses for names of the mesh, for client libraries that look a name up before they connect (gRPC). An address means the
 * service in this process only, and nothing is ever sent to it.
 */
export class MeshNames {
  readonly #outbound: Outbound;
  readonly #addresses = new Map<string, string>();
  readonly #hosts = new Map<string, string>();

  constructor(outbound: Outbound) {
    this.#outbound = outbound;
  }

  /** The address of a name; undefined when it is not the mesh's business. */
  addressOf(name: string): string | undefined {
    const host = name.toLowerCase();
    const known = this.#addresses.get(host);
    if (known !== undefined) return known;
    if (this.#addresses.size >= MOST || !this.#outbound.concerns(host)) return undefined;
    const number = FIRST + this.#addresses.size;
    const address = [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');
    this.#addresses.set(host, address);
    this.#hosts.set(address, host);
    return address;
  }

  /** The same place by its name, where its host is such an address. */
  placeOf(place: Place): Place {
    const host = this.#hosts.get(place.host);
    return host === undefined ? place : { ...place, host };
  }
}

/** Lets look-ups of names of the mesh answer with those addresses. */
export function hookLookups(names: MeshNames): void {
  const { lookup, promises } = dns;
  const { lookup: lookupLater } = promises;
  const found = (name: unknown, options: unknown): LookupAddress | undefined => {
    const address = typeof name === 'string' && familyOf(options) !== 6 ? names.addressOf(name) : undefined;
    return address === undefined ? undefined : { address, family: 4 };
  };
  const hooked = (...args: unknown[]): unknown => {
    const [name, options] = args;
    const callback = args.at(-1);
    const answer = found(name, options);
    if (answer === undefined || typeof callback !== 'function') return Reflect.apply(lookup, dns, args) as unknown;
    const results = wantsAll(options) ? [null, [answer]] : [null, answer.address, answer.family];
    process.nextTick(() => void Reflect.apply(callback, undefined, results));
    return {};
  };
  // Node keeps on it how it is to be made one that returns promises.
  Object.defineProperties(hooked, Object.getOwnPropertyDescriptors(lookup));
  Object.assign(dns, { lookup: hooked });
  Object.assign(promises, {
    lookup: async (...args: unknown[]): Promise<unknown> => {
      const answer = found(args[0], args[1]);
      if (answer === undefined) return Reflect.apply(lookupLater, promises, args) as Promise<unknown>;
      return wantsAll(args[1]) ? [answer] : answer;
    },
  });
  syncBuiltinESMExports();
}

function familyOf(options: unknown): unknown {
  if (typeof options === 'number') return options;
  const { family }: { readonly family?: unknown } = typeof options === 'object' && options !== null ? options : {};
  return family === 'IPv6' ? 6 : family;
}

function wantsAll(options: unknown): boolean {
  return typeof options === 'object' && options !== null && 'all' in options && options.all === true;
}
