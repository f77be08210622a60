import { isIP } from 'node:net';

import type { Outbound, Route } from '@rampart/mesh';

import type { Destination } from './destination.ts';
import type { InstanceAddresses } from './instance-addresses.ts';

export interface AddressRoutesOptions {
  readonly outbound: Pick<Outbound, 'route' | 'routeTo'>;
  readonly instances: Pick<InstanceAddresses, 'at'>;
  /** Host of the service that an address of the loopback stands for. */
  nameAt(address: string): string | undefined;
}

/**
 * Where a host and port lead to that an application has asked for. Addresses may be the mesh's, too: going there in plaintext
 * would end at the sidecar itself, or at a port that wants mutual TLS. An address of the loopback is its service; that of an
 * instance is this instance and no other, so that nobody gets connections to an address by registering it beside their own.
 */
export class AddressRoutes {
  readonly #options: AddressRoutesOptions;

  constructor(options: AddressRoutesOptions) {
    this.#options = options;
  }

  route({ host, port }: Destination): Route {
    const { outbound, instances, nameAt } = this.#options;
    if (isIP(host) === 0) return outbound.route(host, port);
    const name = nameAt(host);
    if (name !== undefined) return outbound.route(name, port);
    const target = instances.at({ host, port });
    return target === undefined ? outbound.route(host, port) : outbound.routeTo(target);
  }
}
