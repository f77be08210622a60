import { isIP } from 'node:net';

import type { Outbound, RequestRoute, Route, Target } from '@rampart/mesh';

import type { Destination } from './destination.ts';
import type { InstanceAddresses } from './instance-addresses.ts';

export interface AddressRoutesOptions {
  readonly outbound: Pick<Outbound, 'route' | 'routeRequest' | 'routeTo'>;
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

  route(destination: Destination): Route {
    const place = this.#placeOf(destination);
    return 'endpoint' in place
      ? this.#options.outbound.routeTo(place)
      : this.#options.outbound.route(place.host, place.port);
  }

  /** The same for a request, which rules may be about. */
  routeRequest(destination: Destination): RequestRoute {
    const { outbound } = this.#options;
    const place = this.#placeOf(destination);
    return 'endpoint' in place ? outbound.routeTo(place) : outbound.routeRequest(place.host, place.port);
  }

  #placeOf(destination: Destination): Destination | Target {
    const { host, port } = destination;
    if (!mayBeAddress(host) || isIP(host) === 0) return destination;
    const name = this.#options.nameAt(host);
    return name === undefined ? (this.#options.instances.at(destination) ?? destination) : { host: name, port };
  }
}

const ZERO = 0x30;
const NINE = 0x39;

/** Names need no closer look. */
function mayBeAddress(host: string): boolean {
  const first = host.charCodeAt(0);
  return (first >= ZERO && first <= NINE) || host.includes(':');
}
