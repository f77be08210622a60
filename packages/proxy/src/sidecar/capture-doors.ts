import type { Server, Socket } from 'node:net';

import type { Clock } from '@rampart/core';
import type { DataPlane, MeshLog, MeshService } from '@rampart/mesh';

import { HttpProxyEntrance } from '../capture/http-proxy/http-proxy-entrance.ts';
import { AddressBook } from '../capture/loopback/address-book.ts';
import { AddressFile } from '../capture/loopback/address-file.ts';
import { ServiceListeners } from '../capture/loopback/service-listeners.ts';
import { openNameServer } from '../capture/names/name-server.ts';
import type { NameServer } from '../capture/names/name-server.ts';
import { loadOriginalDestination } from '../capture/redirect/original-destination.ts';
import { RedirectEntrance } from '../capture/redirect/redirect-entrance.ts';
import { SocksEntrance } from '../capture/socks/socks-entrance.ts';
import type { ByteStream } from '../stream/byte-stream.ts';
import { createDoor, listenOn } from '../stream/listen.ts';
import type { Listen } from '../stream/listen.ts';
import { SocketStream } from '../stream/socket-stream.ts';
import type { OutboundWay } from './outbound-way.ts';
import type { Names, Place, SidecarPlaces } from './sidecar-config.ts';

export interface CaptureDoorsOptions {
  readonly plane: DataPlane;
  readonly outbound: OutboundWay;
  readonly clock: Clock;
  readonly log: MeshLog;
  readonly listen?: Listen;
}

const LOOPBACK = { four: '127.0.0.1', six: '::1' } as const;

/** Where applications find the way out: an HTTP proxy, SOCKS 5, addresses of the loopback that names lead to; or where they are brought. */
export class CaptureDoors {
  readonly #options: CaptureDoorsOptions;
  readonly #servers: Server[] = [];
  readonly #names: NameServer[] = [];
  #listeners: ServiceListeners | undefined;
  proxyPort = 0;
  socksPort: number | undefined;
  redirectPort: number | undefined;

  private constructor(options: CaptureDoorsOptions) {
    this.#options = options;
  }

  /** Rejects with the system's error where a port is in use; what was opened is closed again. */
  static async open(config: SidecarPlaces, options: CaptureDoorsOptions): Promise<CaptureDoors> {
    const doors = new CaptureDoors(options);
    try {
      doors.proxyPort = await doors.#listen(config.proxy, doors.#httpProxy());
      if (config.socks !== undefined) doors.socksPort = await doors.#listen(config.socks, doors.#socks());
      if (config.redirect !== undefined) doors.redirectPort = await doors.#openRedirect(config.redirect.port);
      if (config.names !== undefined) await doors.#openNames(config.names, config.redirect !== undefined);
      return doors;
    } catch (cause) {
      await doors.close();
      throw cause;
    }
  }

  get dnsPort(): number | undefined {
    return this.#names[0]?.port;
  }

  async close(): Promise<void> {
    for (const server of this.#servers) server.close();
    await Promise.all([...this.#names.map((names) => names.close()), this.#listeners?.close()]);
  }

  #httpProxy(): (stream: ByteStream) => void {
    const { outbound, clock } = this.#options;
    const entrance = new HttpProxyEntrance({
      door: outbound,
      clock,
      http: ({ stream, head }) => outbound.requests({ stream, head, clock }),
      unreadable: (problem) => outbound.http.unreadable(problem),
    });
    return (stream) => entrance.enter(stream);
  }

  #socks(): (stream: ByteStream) => void {
    const { outbound, clock } = this.#options;
    const entrance = new SocksEntrance({ door: outbound, clock });
    return (stream) => entrance.enter(stream);
  }

  /** Rules bring connections over IPv6 to the IPv6 side of the same port. */
  async #openRedirect(port: number): Promise<number> {
    const { outbound, log } = this.#options;
    const entrance = new RedirectEntrance({
      door: outbound,
      originalDestination: await loadOriginalDestination(),
      refused: (reason) => log.info('connection refused', { reason }),
    });
    const enter = (socket: Socket): void => entrance.enter(socket);
    const taken = await this.#open({ host: LOOPBACK.four, port }, enter);
    await this.#alsoSix(() => this.#open({ host: LOOPBACK.six, port: taken }, enter));
    return taken;
  }

  /** A host without IPv6 has nothing to bring here over it. */
  async #alsoSix(open: () => Promise<unknown>): Promise<void> {
    try {
      await open();
    } catch (error) {
      this.#options.log.info('nothing is captured over IPv6', { error });
    }
  }

  /** `isCaptured`: questions to any name server are brought here, over IPv6, too. */
  async #openNames({ port, forwardTo, seed, addressFile }: Names, isCaptured: boolean): Promise<void> {
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
    outbound.nameAt = (address) => book.nameAt(address);
    const options = {
      view: plane.view,
      namespace: () => plane.workload()?.namespace ?? 'default',
      hold: (service: MeshService) => listeners.hold(service),
      nameAt: outbound.nameAt,
      forwardTo,
      clock,
    };
    const names = await openNameServer({ ...options, port });
    this.#names.push(names);
    if (!isCaptured) return;
    await this.#alsoSix(async () => {
      this.#names.push(await openNameServer({ ...options, host: LOOPBACK.six, port: names.port }));
    });
  }

  async #listen(place: Place, enter: (stream: ByteStream) => void): Promise<number> {
    const port = await this.#open(place, (socket) => enter(SocketStream.accepted(socket)));
    this.#options.outbound.doors.add(port);
    return port;
  }

  #open(place: Place, enter: (socket: Socket) => void): Promise<number> {
    const server = createDoor(enter, this.#options.clock);
    this.#servers.push(server);
    const { listen = listenOn } = this.#options;
    return listen(server, place);
  }
}
