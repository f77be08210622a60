import type { TLSSocket } from 'node:tls';

import { RampartError } from '@rampart/core';
import type { Clock, Random } from '@rampart/core';
import { MESH_ALPN, TCP_ALPN } from '@rampart/mesh';
import type { Outbound, Target } from '@rampart/mesh';

import type { Upstream } from '../http/upstream.ts';
import { ConnectionPool } from '../http1/connection-pool.ts';
import { Http2ClientSessions } from '../http2/client-sessions.ts';
import { LINK_ALPN } from '../link/frame/format.ts';
import type { LinkProtocol } from '../link/frame/format.ts';
import { LinkError } from '../link/link-error.ts';
import { LinkSession } from '../link/link-session.ts';
import type { ByteStream } from '../stream/byte-stream.ts';
import { PendingStream } from '../stream/pending-stream.ts';
import { SocketStream } from '../stream/socket-stream.ts';

const OFFERS: Readonly<Record<LinkProtocol, readonly string[]>> = {
  'http/1.1': [LINK_ALPN, MESH_ALPN, 'http/1.1'],
  h2: [LINK_ALPN, 'h2'],
  tcp: [LINK_ALPN, TCP_ALPN],
};

/** Idle connections that are kept to an instance. Streams of a link cost little more than the memory of their parsers. */
const MOST_IDLE = 256;
/** Time that streams of a link have to end when it is replaced; more where its certificates hold for longer. */
const DRAIN_MS = 30_000;
/** For the connection and its handshake: `connect_timeout` of a cluster as Istio sets it. */
const HANDSHAKE_MS = 10_000;

/** Connections for requests. */
interface HttpUpstream extends Upstream {
  retire(): void;
  close(): void;
}

export interface InstanceOptions {
  readonly outbound: Pick<Outbound, 'dial'>;
  readonly clock: Clock;
  /** For how long things take on a link. */
  readonly steady: Clock;
  readonly random: Random;
}

/** Waits for a stream. */
interface Waiting {
  readonly protocol: LinkProtocol;
  /** What the other side is told of the stream, where there is a way to tell it. */
  readonly metadata?: Uint8Array | undefined;
  opened(stream: ByteStream): void;
  failed(error: Error): void;
}

/**
 * Ways to one instance: streams of a link where the other side is a proxy of the mesh, too, and mutual-TLS connections
 * of their own where it is not. Which of the two it is shows the first handshake.
 */
export class Instance {
  readonly target: Target;
  /** What requests are sent by: the version of HTTP that the instance is registered with. */
  readonly http: HttpUpstream;
  readonly #options: InstanceOptions;
  /** undefined before the first handshake. */
  #speaksLink: boolean | undefined;
  /** The one that streams are opened on; others are there for as long as it has been full. */
  #link: LinkSession | undefined;
  /** And when the first of the certificates ends that each began with, in Unix milliseconds. */
  readonly #links = new Map<LinkSession, number>();
  /** A handshake is under way, or the first word of the other side of a link. */
  #isDialing = false;
  /** For that to be over. */
  readonly #waiting: Waiting[] = [];

  constructor(target: Target, options: InstanceOptions) {
    this.target = target;
    this.#options = options;
    this.http = speaksHttp2(target)
      ? new Http2ClientSessions(() => this.open('h2'))
      : new ConnectionPool(() => this.open('http/1.1'), MOST_IDLE);
  }

  get links(): ReadonlySet<LinkSession> {
    return new Set(this.#links.keys());
  }

  /** Opens a stream that may be written to at once; it closes with the reason where none can be had. */
  open(protocol: LinkProtocol): ByteStream {
    const ready = this.#onLink({ protocol });
    if (ready !== undefined) return ready;
    const pending = new PendingStream();
    this.#await({
      protocol,
      opened: (stream) => pending.opened(stream),
      failed: (error) => pending.failed(error),
    });
    return pending;
  }

  /** Resolves with a stream once the other side has proved its identity; `metadata` is what that is told of it, on a link. */
  connect(protocol: LinkProtocol, signal: AbortSignal, metadata?: Uint8Array): Promise<ByteStream> {
    const ready = this.#onLink({ protocol, metadata });
    if (ready !== undefined) return Promise.resolve(ready);
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('given up before it was connected')), { once: true });
      this.#await({
        protocol,
        metadata,
        opened: (stream) => (signal.aborted ? stream.reset() : resolve(stream)),
        failed: reject,
      });
    });
  }

  /**
   * What is opened from now on takes new connections. What is open goes on to its end: for as long as the certificates hold, or
   * for a moment where that is `isUrgent`.
   */
  retire(isUrgent = false): void {
    const now = this.#options.clock.now();
    for (const [link, end] of this.#links) {
      if (isUrgent) link.drain(DRAIN_MS);
      else link.drain(Math.max(DRAIN_MS, end - now), 'expired');
    }
    this.#link = undefined;
    this.http.retire();
  }

  /** Closes every way. */
  close(): void {
    for (const link of this.#links.keys()) link.destroy();
    this.http.close();
  }

  #onLink(wanted: Pick<Waiting, 'protocol' | 'metadata'>): ByteStream | undefined {
    const link = this.#link;
    return link === undefined || link.room === 0 ? undefined : this.#open(link, wanted);
  }

  #open(link: LinkSession, { protocol, metadata }: Pick<Waiting, 'protocol' | 'metadata'>): ByteStream {
    const { port } = this.target.endpoint;
    return link.open(metadata === undefined ? { protocol, port } : { protocol, port, metadata });
  }

  #await(waiting: Waiting): void {
    if (this.#speaksLink === false) {
      this.#dial([waiting]);
      return;
    }
    this.#waiting.push(waiting);
    if (!this.#isDialing) this.#dial(this.#waiting.splice(0));
  }

  #dial(first: readonly Waiting[]): void {
    const protocol = first[0]?.protocol ?? 'http/1.1';
    this.#isDialing = true;
    const socket = this.#options.outbound.dial(this.target, OFFERS[protocol]);
    const deadline = this.#options.clock.after(HANDSHAKE_MS, () => socket.destroy(this.#silence()));
    let failure: Error | undefined;
    const settle = (): readonly Waiting[] => {
      this.#isDialing = false;
      return [...first, ...this.#waiting.splice(0)];
    };
    const failed = (): void => {
      const error = failure ?? new Error('the connection was closed during its handshake');
      for (const waiting of settle()) waiting.failed(error);
    };
    socket.on('error', (error: Error) => {
      failure = error;
    });
    socket.once('close', () => deadline.cancel());
    socket.once('close', failed);
    socket.once('secureConnect', () => {
      deadline.cancel();
      socket.off('close', failed);
      this.#connected(socket, protocol, settle());
    });
  }

  #connected(socket: TLSSocket, protocol: LinkProtocol, waiting: readonly Waiting[]): void {
    this.#speaksLink = socket.alpnProtocol === LINK_ALPN;
    if (this.#speaksLink) {
      this.#startLink(socket, waiting);
      return;
    }
    const others = new Set(waiting);
    const mine = waiting.find((each) => each.protocol === protocol);
    if (mine !== undefined) others.delete(mine);
    if (mine === undefined) socket.destroy();
    else if (socket.alpnProtocol === false && protocol !== 'http/1.1') {
      socket.destroy();
      mine.failed(
        new RampartError('UNSUPPORTED_FEATURE', `${this.target.endpoint.address} does not speak ${protocol}`),
      );
    } else mine.opened(new SocketStream(socket));
    for (const other of others) this.#dial([other]);
  }

  /** Before it has spoken, the other side is known to take some streams; the others wait for what it says. */
  #startLink(socket: TLSSocket, waiting: readonly Waiting[]): void {
    const { steady, random } = this.#options;
    this.#waiting.unshift(...waiting);
    this.#isDialing = true;
    let isAwaited = true;
    const settle = (): void => {
      if (isAwaited) this.#isDialing = false;
      isAwaited = false;
    };
    const link: LinkSession = new LinkSession({
      transport: socket,
      role: 'dialer',
      clock: steady,
      random,
      greeted: () => {
        settle();
        this.#fill(link);
        if (this.#waiting.length > 0) this.#dial(this.#waiting.splice(0));
      },
      draining: () => this.#forget(link),
      closed: (error) => {
        this.#links.delete(link);
        const isLost = isAwaited;
        settle();
        if (isLost) for (const each of this.#waiting.splice(0)) each.failed(error ?? new LinkError('closed'));
      },
    });
    this.#link = link;
    this.#links.set(link, endOfCertificates(socket));
    this.#fill(link);
  }

  #fill(link: LinkSession): void {
    while (link.room > 0) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      next.opened(this.#open(link, next));
    }
  }

  /** What is idle on it is let go by this side: a request that meets the other side's goodbye would have to be sent again. */
  #forget(link: LinkSession): void {
    if (this.#link === link) this.#link = undefined;
    this.http.retire();
  }

  /** As the system has it, where it is the first to give up. */
  #silence(): Error {
    const { address } = this.target.endpoint;
    const text = `connect ETIMEDOUT ${address}: no handshake within ${HANDSHAKE_MS / 1000} s`;
    return Object.assign(new Error(text), { code: 'ETIMEDOUT', syscall: 'connect' });
  }
}

/** Unix milliseconds; the distant future where there are none. */
function endOfCertificates(socket: TLSSocket): number {
  const ends = [socket.getCertificate(), socket.getPeerCertificate(false)].map((certificate) =>
    Date.parse(certificate !== null && 'valid_to' in certificate ? String(certificate.valid_to) : ''),
  );
  return Math.min(...ends.filter((end) => !Number.isNaN(end)));
}

function speaksHttp2({ endpoint: { protocol } }: Target): boolean {
  return protocol === 'http2' || protocol === 'grpc';
}
