import { randomUUID } from 'node:crypto';
import type { Server, Socket } from 'node:net';
import tls from 'node:tls';

import type { Clock } from '@rampart/core';
import { Gate, MESH_ALPN, TCP_ALPN } from '@rampart/mesh';
import type { DataPlane, GateOptions, InboundConnection, InstanceTraits, Refusal } from '@rampart/mesh';

import { servedBy } from './served-by.ts';
import { markConnection } from './symbols.ts';

/** Gives an admitted connection to the server it was meant for; the same for every connection of a server. */
export type Resume = (connection: InboundConnection) => void;

/**
 * How long a caller may say nothing to a server that may be the first to speak, where plaintext is let in. Members of the mesh
 * send their ClientHello as soon as they are connected.
 */
const SILENCE_MS = 250;
const LOOK_AGAIN_MS = 50;

interface Port {
  readonly gate: Gate;
  readonly instanceId: string;
  /** Connections whose TLS the application ends itself, by the caller's address. */
  readonly passedThrough: Map<string, InboundConnection>;
  resume: Resume;
}

export interface PortsOptions {
  readonly plane: DataPlane;
  readonly clock: Clock;
  readonly instanceHost: string;
  /** What each of its instances says of itself. */
  readonly traits: InstanceTraits;
  readonly refuse: (refusal: Refusal) => void;
  /** Whether a connection was opened by this very process. */
  readonly isOwn: (socket: Socket) => boolean;
  /** The last server of this process has closed. */
  readonly lastClosed: () => void;
}

/** The listening servers of this process: a gate in front of each, and its entry in the registry. */
export class Ports {
  readonly #options: PortsOptions;
  readonly #ports = new WeakMap<Server, Port>();
  readonly #open = new Set<Server>();
  /** When somebody connected last. */
  #lastArrival = Number.NEGATIVE_INFINITY;

  constructor(options: PortsOptions) {
    this.#options = options;
  }

  /** A server started to listen: it becomes an instance of this workload's service. */
  opened(server: Server): void {
    const port = this.#port(server);
    const address = server.address();
    if (address === null || typeof address === 'string') return;
    this.#open.add(server);
    const { instanceHost, traits } = this.#options;
    const host = instanceHost !== '' ? instanceHost : boundHost(address.address);
    const { instanceId } = port;
    this.#options.plane.instances.add({ instanceId, host, port: address.port, protocol: servedBy(server), traits });
  }

  /** A server will take no more connections: nobody should be sent here, while requests in flight go on. */
  closing(server: Server): void {
    const port = this.#ports.get(server);
    if (port !== undefined) this.#options.plane.instances.remove(port.instanceId);
  }

  closed(server: Server): void {
    const port = this.#ports.get(server);
    if (port === undefined) return;
    this.closing(server);
    this.#open.delete(server);
    port.gate.close();
    this.#ports.delete(server);
    if (this.#open.size === 0) this.#options.lastClosed();
  }

  /** Takes every instance out of the registry while the servers finish what they have begun. */
  withdraw(): void {
    for (const server of this.#open) this.closing(server);
  }

  get servers(): ReadonlySet<Server> {
    return this.#open;
  }

  /**
   * Resolves when nobody has connected for `quietMs`, or after `mostMs`: while this process leaves, each answer ends its connection, so
   * callers who do not know yet connect anew.
   */
  async whenQuiet(quietMs: number, mostMs: number): Promise<void> {
    const { clock } = this.#options;
    const until = clock.now() + mostMs;
    while (clock.now() < Math.min(until, this.#lastArrival + quietMs)) {
      await new Promise<void>((resolve) => {
        clock.after(LOOK_AGAIN_MS, resolve);
      });
    }
  }

  enter(server: Server, socket: Socket, resume: Resume): void {
    this.#lastArrival = this.#options.clock.now();
    const port = this.#port(server);
    port.resume = resume;
    port.gate.enter(socket);
  }

  /** The caller behind a socket that the application made itself out of one that was let through as it came. */
  passedThrough(server: Server, socket: Socket): InboundConnection | undefined {
    const connection = this.#ports.get(server)?.passedThrough.get(remote(socket));
    if (connection !== undefined) markConnection(socket, connection);
    return connection;
  }

  /** What a gate has to know of servers that speak something else than HTTP/1. */
  #accommodation(server: Server): Partial<GateOptions> {
    const { isOwn } = this.#options;
    switch (servedBy(server)) {
      case 'http':
        return {};
      case 'http2':
        return { isOwn, protocols: ['h2', MESH_ALPN, 'http/1.1'] };
      case 'tcp':
        return { isOwn, protocols: [TCP_ALPN], silenceMs: SILENCE_MS };
    }
  }

  #port(server: Server): Port {
    const known = this.#ports.get(server);
    if (known !== undefined) return known;
    const { plane, clock, refuse } = this.#options;
    const address = server.address();
    const passedThrough = new Map<string, InboundConnection>();
    const port: Port = {
      instanceId: randomUUID(),
      passedThrough,
      resume: ({ socket }) => socket.destroy(),
      gate: new Gate({
        view: plane.view,
        identity: plane.identity,
        clock,
        port: address === null || typeof address === 'string' ? 0 : address.port,
        endsTls: server instanceof tls.Server,
        ...this.#accommodation(server),
        accept: (connection) => {
          markConnection(connection.socket, connection);
          if (server instanceof tls.Server && connection.peer === undefined) remember(passedThrough, connection);
          if (!(server instanceof tls.Server)) hideTls(connection.socket);
          port.resume(connection);
        },
        refuse,
      }),
    };
    this.#ports.set(server, port);
    return port;
  }
}

/** The application serves plain HTTP and must go on seeing what it would see behind a sidecar: `req.protocol` is "http". */
function hideTls(socket: Socket): void {
  if (Reflect.get(socket, 'encrypted') === true) Reflect.set(socket, 'encrypted', false);
}

function remember(passedThrough: Map<string, InboundConnection>, connection: InboundConnection): void {
  const key = remote(connection.socket);
  passedThrough.set(key, connection);
  connection.socket.once('close', () => passedThrough.delete(key));
}

function remote(socket: Socket): string {
  return `${socket.remoteAddress ?? ''}|${socket.remotePort ?? ''}`;
}

/** A wildcard address is no place to connect to; "" lets the control plane use the address it sees. */
function boundHost(address: string): string {
  return address === '0.0.0.0' || address === '::' ? '' : address;
}
