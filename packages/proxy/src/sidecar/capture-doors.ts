import type { Server } from 'node:net';

import type { Clock } from '@rampart/core';
import type { DataPlane, MeshLog } from '@rampart/mesh';

import { HttpProxyEntrance } from '../capture/http-proxy/http-proxy-entrance.ts';
import { AddressBook } from '../capture/loopback/address-book.ts';
import { AddressFile } from '../capture/loopback/address-file.ts';
import { ServiceListeners } from '../capture/loopback/service-listeners.ts';
import { openNameServer } from '../capture/names/name-server.ts';
import type { NameServer } from '../capture/names/name-server.ts';
import { SocksEntrance } from '../capture/socks/socks-entrance.ts';
import type { ByteStream } from '../stream/byte-stream.ts';
import { createDoor, listenOn } from '../stream/listen.ts';
import { SocketStream } from '../stream/socket-stream.ts';
import type { OutboundWay } from './outbound-way.ts';
import type { Names, Place, SidecarConfig } from './sidecar-config.ts';

export interface CaptureDoorsOptions {
  readonly plane: DataPlane;
  readonly outbound: OutboundWay;
  readonly clock: Clock;
  readonly log: MeshLog;
}

/** Where applications find the way out: an HTTP proxy, SOCKS 5, and addresses of the loopback that names lead to. */
export class CaptureDoors {
  readonly #options: CaptureDoorsOptions;
  readonly #servers: Server[] = [];
  #names: NameServer | undefined;
  #listeners: ServiceListeners | undefined;
  proxyPort = 0;
  socksPort: number | undefined;

  private constructor(options: CaptureDoorsOptions) {
    this.#options = options;
  }

  /** Rejects with the system's error where a port is in use; what was opened is closed again. */
  static async open(config: SidecarConfig, options: CaptureDoorsOptions): Promise<CaptureDoors> {
    const doors = new CaptureDoors(options);
    try {
      doors.proxyPort = await doors.#listen(config.proxy, doors.#httpProxy());
      if (config.socks !== undefined) doors.socksPort = await doors.#listen(config.socks, doors.#socks());
      if (config.names !== undefined) await doors.#openNames(config.names);
      return doors;
    } catch (cause) {
      await doors.close();
      throw cause;
    }
  }

  get dnsPort(): number | undefined {
    return this.#names?.port;
  }

  async close(): Promise<void> {
    for (const server of this.#servers) server.close();
    await Promise.all([this.#names?.close(), this.#listeners?.close()]);
  }

  #httpProxy(): (stream: ByteStream) => void {
    const { outbound, clock } = this.#options;
    const entrance = new HttpProxyEntrance({
      door: outbound,
      clock,
      http: ({ stream, head }) => {
        outbound.http.accept(stream, head);
        stream.resume();
      },
    });
    return (stream) => entrance.enter(stream);
  }

  #socks(): (stream: ByteStream) => void {
    const { outbound, clock } = this.#options;
    const entrance = new SocksEntrance({ door: outbound, clock });
    return (stream) => entrance.enter(stream);
  }

  async #openNames({ port, forwardTo, seed, addressFile }: Names): Promise<void> {
    const { plane, outbound, clock, log } = this.#options;
    const file = new AddressFile(addressFile);
    const book: AddressBook = new AddressBook({
      seed,
      known: await file.read(),
      changed: () => {
        file.write(book.entries).catch((error: unknown) => log.warn('addresses of services were not kept', { error }));
      },
    });
    const listeners = new ServiceListeners({ view: plane.view, book, door: outbound, log });
    this.#listeners = listeners;
    this.#names = await openNameServer({
      view: plane.view,
      namespace: () => plane.workload()?.namespace ?? 'default',
      hold: (service) => listeners.hold(service),
      nameAt: (address) => book.nameAt(address),
      port,
      forwardTo,
      clock,
    });
  }

  #listen(place: Place, enter: (stream: ByteStream) => void): Promise<number> {
    const server = createDoor((socket) => enter(new SocketStream(socket)));
    this.#servers.push(server);
    return listenOn(server, place);
  }
}
