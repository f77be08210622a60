import type { Server, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

import { steadyClock } from '@rampart/core';
import type { Clock, Random } from '@rampart/core';
import { Gate, MESH_ALPN, OPENING_TIMEOUT_MS, TCP_ALPN } from '@rampart/mesh';
import type { DataPlane, InboundConnection, Refusal, Stopwatch } from '@rampart/mesh';

import { readProxyHeader } from '../capture/proxy-protocol/read-proxy-header.ts';
import { awaitVersion } from '../http/version.ts';
import { LinkSession } from '../link/link-session.ts';
import { LINK_ALPN } from '../link/frame/format.ts';
import { createDoor, listenOn } from '../stream/listen.ts';
import type { Listen, ListeningPlace } from '../stream/listen.ts';
import type { LoadBalancers } from './load-balancers.ts';
import { SocketStream } from '../stream/socket-stream.ts';
import type { HttpArrival } from './inbound-http.ts';
import type { ByteStream } from '../stream/byte-stream.ts';

/** What the application behind the listener speaks. */
export type AppProtocol = 'http' | 'http2' | 'grpc' | 'tcp';

/** gRPC is spoken over HTTP/2 alone. */
export function speaksHttp2(protocol: AppProtocol): boolean {
  return protocol === 'http2' || protocol === 'grpc';
}

export interface MeshListenerOptions {
  readonly plane: DataPlane;
  readonly clock: Clock;
  readonly stopwatch: Stopwatch;
  readonly random: Random;
  /** In front of it, if there are any. */
  readonly loadBalancers: LoadBalancers;
  /** Port of the application: the one that policies speak of. */
  readonly port: number;
  readonly protocol: AppProtocol;
  readonly http: (arrival: HttpArrival) => void;
  /** `metadata` is what the other side says of a stream of a link. */
  readonly tcp: (connection: InboundConnection, stream: ByteStream, metadata?: Uint8Array) => void;
  readonly refuse: (refusal: Refusal) => void;
  readonly listen?: Listen;
}

/** Time that streams of a link have to end when it is replaced; more where its certificates hold for longer. */
const DRAIN_MS = 30_000;
/** After which a plaintext caller that says nothing waits for a server that speaks first. */
const SILENCE_MS = 250;

/** The port that the mesh calls: identify, admit, and on to what is spoken there. */
export class MeshListener {
  readonly #options: MeshListenerOptions;
  readonly #gate: Gate;
  readonly #server: Server;
  readonly #links = new Set<LinkSession>();
  #isLeaving = false;
  #lastArrival = Number.NEGATIVE_INFINITY;

  constructor(options: MeshListenerOptions) {
    const { plane, clock, port, protocol, refuse } = options;
    this.#options = options;
    this.#gate = new Gate({
      view: plane.view,
      identity: plane.identity,
      clock,
      port,
      protocols: protocol === 'tcp' ? [LINK_ALPN, TCP_ALPN] : [LINK_ALPN, 'h2', MESH_ALPN, 'http/1.1'],
      ...(protocol === 'tcp' ? { silenceMs: SILENCE_MS } : {}),
      accept: (connection) => this.#accept(connection),
      refuse,
    });
    this.#server = createDoor((socket) => this.#enter(socket), clock);
  }

  /** Resolves with the port that it listens on. @throws RampartError PORT_IN_USE, INVALID_ARGUMENT */
  listen(place: ListeningPlace): Promise<number> {
    const { listen = listenOn } = this.#options;
    return listen(this.#server, place);
  }

  /** Links of other proxies that are open. */
  get links(): ReadonlySet<LinkSession> {
    return this.#links;
  }

  /** When the last connection came, in milliseconds of the clock. */
  get lastArrival(): number {
    return this.#lastArrival;
  }

  /**
   * Asks links to go elsewhere; their streams have some time to end. Connections are taken until `close`: a caller who has
   * not heard yet is served, and asked to come back elsewhere.
   */
  drain(): void {
    this.#isLeaving = true;
    for (const link of this.#links) link.drain(DRAIN_MS);
  }

  close(): void {
    this.#server.close();
    this.#gate.close();
    for (const link of this.#links) link.destroy();
  }

  #enter(socket: Socket): void {
    this.#lastArrival = this.#options.clock.now();
    const { clock, loadBalancers, port, refuse } = this.#options;
    const { remoteAddress: address, remotePort = 0 } = socket;
    if (!loadBalancers.include(address)) {
      this.#gate.enter(socket);
      return;
    }
    readProxyHeader(socket, {
      clock,
      done: ({ ends }) => this.#gate.enter(socket, ends?.source),
      failed: (reason) => {
        const remoteAddress = `${address ?? 'unknown'}:${remotePort}`;
        refuse({ kind: 'handshake_failed', reason, socket, remoteAddress, port, peer: '' });
      },
    });
  }

  #accept(connection: InboundConnection): void {
    const { socket } = connection;
    const alpn = socket instanceof TLSSocket ? socket.alpnProtocol : false;
    if (alpn === LINK_ALPN) return this.#link(connection);
    const { protocol, http, clock } = this.#options;
    const stream = SocketStream.accepted(socket);
    if (protocol === 'tcp') return this.#options.tcp(connection, stream);
    if (alpn === 'http/1.1' || alpn === MESH_ALPN) return http({ connection, stream, version: 'http/1.1' });
    // Whoever begins with the preface of HTTP/2 speaks it: in plaintext, over TLS that agrees on nothing, and where a data plane has
    // agreed on HTTP/2 for a client in its process that knows nothing of that.
    return awaitVersion({ stream, clock, patience: OPENING_TIMEOUT_MS }, (version, head) => {
      http({ connection, stream, version, head });
      stream.resume();
    });
  }

  #link(connection: InboundConnection): void {
    const { clock, stopwatch, random, plane } = this.#options;
    const own = plane.identity.current?.notAfter ?? Number.POSITIVE_INFINITY;
    const end = Math.min(own, connection.peer?.notAfter ?? Number.POSITIVE_INFINITY);
    const link: LinkSession = new LinkSession({
      transport: connection.socket,
      role: 'listener',
      clock: steadyClock(clock, () => stopwatch.elapsed()),
      random,
      accept: (stream, { protocol, metadata }) => {
        const { protocol: served, tcp, http } = this.#options;
        if ((protocol === 'tcp') !== (served === 'tcp')) return 'not-served';
        // Each answer says that its stream is the last; the next one is to come on another link.
        if (this.#isLeaving) link.drain(DRAIN_MS);
        else if (clock.now() > connection.retireAt) link.drain(timeLeft(connection, end, clock.now()), 'expired');
        if (protocol === 'tcp') tcp(connection, stream, metadata);
        else http({ connection, stream, version: protocol });
        return undefined;
      },
      broken: ({ message }) => this.#gate.broke(connection, message),
      closed: () => this.#links.delete(link),
    });
    this.#links.add(link);
  }
}

/** For the streams of a link whose certificates end at `end`, in milliseconds; little where they had to be replaced at once. */
function timeLeft({ retireAt }: InboundConnection, end: number, now: number): number {
  return retireAt === Number.NEGATIVE_INFINITY ? DRAIN_MS : Math.max(DRAIN_MS, end - now);
}
