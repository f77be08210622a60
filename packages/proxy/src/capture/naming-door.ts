import type { CapturedConnection, Destination, OutboundDoor } from './captured-connection.ts';

/** Who knows what stands behind an address: the name of a service, for some. */
export type NameOfAddress = (address: Destination) => Destination | undefined;

/**
 * In front of another door: gives it names where applications ask for addresses that are the mesh's, of the loopback or of
 * instances. Going there in plaintext would end at the sidecar itself, or at a port that wants mutual TLS.
 */
export class NamingDoor implements OutboundDoor {
  readonly #door: OutboundDoor;
  readonly #names: readonly NameOfAddress[];

  /** The first of `names` that knows an address is believed. */
  constructor(door: OutboundDoor, names: readonly NameOfAddress[]) {
    this.#door = door;
    this.#names = names;
  }

  connected(connection: CapturedConnection): void {
    this.#door.connected({ ...connection, destination: this.#named(connection.destination) });
  }

  #named(address: Destination): Destination {
    for (const nameOf of this.#names) {
      const named = nameOf(address);
      if (named !== undefined) return named;
    }
    return address;
  }
}
