import type { Socket } from 'node:net';

import type { MeshLog, MeshService, MeshView } from '@rampart/mesh';

import { SocketStream } from '../../stream/socket-stream.ts';
import type { OutboundDoor } from '../captured-connection.ts';
import type { AddressBook } from './address-book.ts';
import { ServicePorts } from './service-ports.ts';

export interface ServiceListenersOptions {
  readonly view: MeshView;
  readonly book: AddressBook;
  readonly door: OutboundDoor;
  readonly log: MeshLog;
  /** Ports at most, of all services together. */
  readonly mostPorts?: number;
}

/** What is held for a service, once that is known: as it was told last. */
interface Holding {
  readonly service: MeshService;
  readonly ports: Promise<ServicePorts | undefined>;
}

const MOST_PORTS = 2048;
const MOST_MOVES = 8;
const HTTP_PORT = 80;
const NOTHING = Buffer.alloc(0);

/**
 * Listens for services of the mesh on this host's loopback: at the address of each, on its ports, as they come and go. A
 * service gets its listeners when its address is asked for, and whoever was asked for before the last restart gets them back.
 */
export class ServiceListeners {
  readonly #options: ServiceListenersOptions;
  /** By host of the service. */
  readonly #held = new Map<string, Holding>();
  readonly #unsubscribe: () => void;
  readonly #warned = new Set<string>();
  #ports = 0;
  #isClosed = false;

  constructor(options: ServiceListenersOptions) {
    this.#options = options;
    const { view, book } = options;
    const restore = (services: Iterable<MeshService>): void => {
      for (const service of services) if (book.entries.has(service.host)) void this.hold(service);
    };
    restore(view.services);
    this.#unsubscribe = view.subscribe(({ services }) => restore(services));
  }

  /** Ports that are open. */
  get ports(): number {
    return this.#ports;
  }

  /** The address of a service once it listens there; undefined where it cannot. */
  async hold(service: MeshService): Promise<string | undefined> {
    const { host } = service;
    const before = this.#held.get(host);
    const holding = before?.service === service ? before : this.#begin(service, before);
    const ports = await holding.ports;
    if (ports === undefined && this.#held.get(host) === holding) this.#held.delete(host);
    return ports && this.#options.book.addressOf(host);
  }

  #begin(service: MeshService, before: Holding | undefined): Holding {
    const ports = this.#adjust(service, before?.ports).catch((cause: unknown) => {
      const error = cause instanceof Error ? cause.message : String(cause);
      this.#options.log.warn('a service has no listeners on the loopback', { service: service.host, error });
      return undefined;
    });
    const holding = { service, ports };
    this.#held.set(service.host, holding);
    return holding;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#unsubscribe();
    for (const { ports } of this.#held.values()) (await ports)?.close();
    this.#held.clear();
    this.#ports = 0;
  }

  async #adjust(
    service: MeshService,
    before: Promise<ServicePorts | undefined> | undefined,
  ): Promise<ServicePorts | undefined> {
    const known = await before;
    if (this.#isClosed) return undefined;
    if (known === undefined && !(await this.#makeRoom(service.host))) return undefined;
    const address = this.#options.book.addressOf(service.host);
    if (address === undefined) return undefined;
    const ports = known?.address === address ? known : this.#portsAt(address, service);
    return this.#listen(ports, service);
  }

  #portsAt(address: string, { host }: MeshService): ServicePorts {
    return new ServicePorts(address, (socket, port) => this.#connected(socket, { host, port }));
  }

  /** Where somebody else of this host listens at the address, the service moves. */
  async #listen(first: ServicePorts, service: MeshService): Promise<ServicePorts | undefined> {
    const taken = new Set<string>();
    let ports = first;
    for (;;) {
      const isTaken = await this.#openAll(ports, service);
      if (!isTaken) return ports;
      taken.add(ports.address);
      this.#closeSome(ports, ports.open);
      const address = taken.size > MOST_MOVES ? undefined : this.#options.book.move(service.host, taken);
      if (address === undefined) return undefined;
      ports = this.#portsAt(address, service);
    }
  }

  /** True where a port of the service is somebody else's. */
  async #openAll(ports: ServicePorts, service: MeshService): Promise<boolean> {
    const wanted = portsOf(service);
    const { open } = ports;
    this.#closeSome(
      ports,
      open.filter((port) => !wanted.has(port)),
    );
    for (const port of wanted) {
      if (open.includes(port)) continue;
      if (this.#ports >= (this.#options.mostPorts ?? MOST_PORTS)) {
        this.#warn('no more ports can be opened on the loopback', { service: service.host, port });
        return false;
      }
      const outcome = await ports.listen(port);
      if (outcome === 'taken') return true;
      if (outcome === 'open') this.#ports += 1;
      else this.#warn(`a port on the loopback cannot be opened: ${outcome}`, { address: ports.address, port });
    }
    return false;
  }

  #closeSome(ports: ServicePorts, which: readonly number[]): void {
    ports.close(which);
    this.#ports -= which.length;
  }

  /** The name that was asked for longest ago, and that nobody is connected to, goes. */
  async #makeRoom(host: string): Promise<boolean> {
    const { book } = this.#options;
    if (!book.isFull || book.entries.has(host)) return true;
    for (const name of book.entries.keys()) {
      const ports = await this.#held.get(name)?.ports;
      if (ports !== undefined && ports.connections > 0) continue;
      if (ports !== undefined) this.#closeSome(ports, ports.open);
      this.#held.delete(name);
      book.forget(name);
      return true;
    }
    this.#warn('no more services can have addresses on the loopback', { service: host });
    return false;
  }

  #connected(socket: Socket, destination: { readonly host: string; readonly port: number }): void {
    const stream = SocketStream.accepted(socket);
    const refuse = (): void => stream.reset();
    this.#options.door.connected({ stream, head: NOTHING, destination, accept: () => {}, refuse });
  }

  /** Once for each text: services come and go all day. */
  #warn(text: string, details: Record<string, unknown>): void {
    if (this.#warned.has(text)) return;
    this.#warned.add(text);
    this.#options.log.warn(text, details);
  }
}

/** Those of its instances; and for HTTP the one that URLs without a port mean. */
function portsOf({ endpoints }: MeshService): ReadonlySet<number> {
  const ports = new Set(endpoints.map(({ port }) => port));
  const isHttp = endpoints.length > 0 && endpoints.every(({ protocol }) => protocol !== 'tcp');
  return isHttp ? ports.add(HTTP_PORT) : ports;
}
