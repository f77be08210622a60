import { constants } from 'node:crypto';
import { createServer } from 'node:tls';
import type { Server as TlsServer, TlsOptions, TLSSocket } from 'node:tls';
import type { Socket } from 'node:net';

import { plainAddress } from '@rampart/core';
import type { ConnectionRefusalKind, Clock, Result, TrustDomain } from '@rampart/core';
import type { SvidProblem } from '@rampart/spiffe';

import { closeWhereBroken } from '../identity/broken-tls.ts';
import { identifyByChain, identifyPeer } from '../identity/peer.ts';
import type { ChainRules, PeerIdentity, PeerRules } from '../identity/peer.ts';
import { presentedChain } from '../identity/presented-chain.ts';
import type { SvidSource } from '../identity/svid-source.ts';
import type { Svid, TlsMaterial } from '../identity/svid.ts';
import type { MeshView } from '../view/mesh-view.ts';
import { abortConnection } from './abort-connection.ts';
import { InboundConnection } from './connection.ts';
import type { ClientEnd } from './connection.ts';
import { describeHandshakeFailure } from './handshake-failure.ts';
import { ConnectionCounts } from './limit/connection-counts.ts';
import { isHandshake, OPENING_TIMEOUT_MS, peekFirstByte, watchFirstChunk } from './first-byte.ts';
import type { FirstByte } from './first-byte.ts';
import { announcedClientOf, rememberRemoteAddress, remoteAddressOf } from './remote-address.ts';

/** ALPN of HTTP/1.1 between two members of the mesh; lets a server that does TLS of its own tell them from other clients. */
export const MESH_ALPN = 'rampart-http/1.1';

/** ALPN of bytes that are no HTTP, between two members of the mesh. */
export const TCP_ALPN = 'rampart-tcp/1';

/** What only members of the mesh say. */
const OF_MEMBERS: readonly string[] = [MESH_ALPN, TCP_ALPN, 'rampart-link/1'];

/** Why there is none. */
const LATE =
  'the handshake began after a silence for which the caller was taken for one without TLS that waits to be spoken to';

export interface Refusal {
  readonly kind: ConnectionRefusalKind;
  readonly reason: string;
  readonly socket: Socket;
  /** "ip:port" of the peer. */
  readonly remoteAddress: string;
  readonly port: number;
  /** SPIFFE ID the peer presented; "" when none could be read. */
  readonly peer: string;
}

type Refused = Omit<Refusal, 'socket' | 'remoteAddress' | 'port'>;

export interface GateOptions {
  readonly view: MeshView;
  readonly identity: SvidSource;
  readonly clock: Clock;
  /** Port the application listens on. */
  readonly port: number;
  /** The application ends TLS itself: TLS from outside the mesh is let through to it where policy lets plaintext in. */
  readonly endsTls?: boolean;
  /** What may be spoken over TLS, by ALPN, the most wanted first; HTTP/1.1 unless given. */
  readonly protocols?: readonly string[];
  /**
   * The application may be the first to speak: who says nothing for so many milliseconds is a plaintext caller that waits for it,
   * where policy lets plaintext in. Members of the mesh begin with their handshake.
   */
  readonly silenceMs?: number;
  /** Whether a plaintext connection comes from this very process, which no NetworkPolicy cuts off from itself. */
  readonly isOwn?: (socket: Socket) => boolean;
  /** Takes a connection that was identified and admitted. */
  readonly accept: (connection: InboundConnection) => void;
  readonly refuse: (refusal: Refusal) => void;
}

/**
 * identify and admit, for one listening port: tells TLS from plaintext, verifies the peer, applies PeerAuthentication
 * and the connection-level part of policy, and keeps judging open connections when policy or revocations change.
 */
export class Gate {
  readonly #options: GateOptions;
  readonly #open = new Set<InboundConnection>();
  /** Connections from their first moment on, and where they come from. */
  readonly #entered = new Map<Socket, string>();
  readonly #counts: ConnectionCounts;
  /** Of the own certificate. */
  #serial = '';
  /** When it was replaced because what had signed the one before is not to be trusted any more. */
  #replacedAt = Number.NEGATIVE_INFINITY;
  readonly #unsubscribe: readonly (() => void)[];
  #tls: TlsServer | undefined;
  /** Of peers that were judged by their chains. */
  readonly #chains = new WeakMap<InboundConnection, readonly Uint8Array[]>();
  /** Whether TLS judges nobody now, because peers may be of several trust domains. */
  #isFederated: boolean;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#counts = new ConnectionCounts(() => options.view.policy.limits, options.clock);
    this.#isFederated = !options.view.foreignTrust.isEmpty;
    this.#unsubscribe = [
      options.identity.subscribe((svid) => this.#adopt(svid)),
      options.view.subscribe((change) => {
        if (change.foreignTrust) this.#adoptForeignTrust();
        if (change.policy) this.#countConnections();
        if (change.policy || change.revocations || change.peers || change.foreignTrust) this.#judgeAgain();
      }),
    ];
    this.#countConnections();
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  /** A raw connection, before any byte was read; `announced` is whose it is, where a trusted load balancer in front has told it. */
  enter(socket: Socket, announced?: ClientEnd): void {
    const client = announced && { ...announced, address: plainAddress(announced.address) };
    rememberRemoteAddress(socket, client);
    const address = client?.address ?? plainAddress(socket.remoteAddress ?? '');
    if (!this.#hasRoom(socket, 'source.ip', address)) return;
    this.#entered.set(socket, address);
    socket.once('close', () => this.#entered.delete(socket));
    const { clock, silenceMs, view, port } = this.#options;
    const mayBeFirst = silenceMs !== undefined && view.policy.tlsMode(port).mode !== 'STRICT';
    const decide = (kind: FirstByte, first: Buffer): void => {
      if (kind === 'tls' && !this.#belongsToApplication(first)) this.#handshake(socket);
      else {
        if (first.length === 0) this.#watchForMember(socket);
        this.#admitPlaintext(socket);
      }
    };
    const silent = (reason: string): void => this.#tell(socket, { kind: 'handshake_failed', reason, peer: '' });
    peekFirstByte(socket, clock, mayBeFirst ? { decide, silent, silenceMs } : { decide, silent });
  }

  /**
   * A member that is slow with its ClientHello is no plaintext caller: the application gets nothing of it, and the member no answer
   * that it cannot read, but the end of a connection on which nothing was sent.
   */
  #watchForMember(socket: Socket): void {
    watchFirstChunk(socket, (first) => {
      if (!isHandshake(first) || !isOfMember(first)) return true;
      this.#tell(socket, { kind: 'handshake_failed', reason: LATE, peer: '' });
      abortConnection(socket);
      return false;
    });
  }

  /** Puts on record that what came on an open connection broke it. */
  broke({ socket, sourcePrincipal: peer }: InboundConnection, reason: string): void {
    this.#tell(socket, { kind: 'protocol_error', reason, peer });
  }

  /** Members of the mesh say so in their ClientHello; under STRICT everything must. */
  #belongsToApplication(clientHello: Buffer): boolean {
    if (this.#options.endsTls !== true || isOfMember(clientHello)) return false;
    return this.#options.view.policy.tlsMode(this.#options.port).mode !== 'STRICT';
  }

  #handshake(socket: Socket): void {
    if (this.#tls === undefined) {
      this.#refuse(socket, { kind: 'not_ready', reason: 'this workload has no certificate yet', peer: '' });
      return;
    }
    this.#tls.emit('connection', socket);
  }

  #admitPlaintext(socket: Socket): void {
    const { view, port, clock, isOwn } = this.#options;
    const openedAt = clock.now();
    const connection = new InboundConnection(
      {
        socket,
        peer: undefined,
        tlsVersion: '',
        port,
        sni: '',
        openedAt,
        client: announcedClientOf(socket),
        ...(isOwn && { isOwn: () => isOwn(socket) }),
      },
      view,
      undefined,
    );
    const refusal = connection.refusal(openedAt);
    if (refusal !== undefined) {
      const forPlaintext = connection.policy.admitTransport() === undefined ? 'policy_denied' : 'plaintext_rejected';
      this.#refuse(socket, { kind: view.ready ? forPlaintext : 'not_ready', reason: refusal.reason, peer: '' });
      return;
    }
    this.#accept(connection);
  }

  #admitPeer(socket: TLSSocket, isVerified: boolean): void {
    const { view, port, clock, identity } = this.#options;
    const svid = identity.current;
    if (svid === undefined) {
      this.#refuse(socket, { kind: 'not_ready', reason: 'this workload has no certificate yet', peer: '' });
      return;
    }
    const chain = isVerified ? undefined : presentedChain(socket);
    const peer = this.#identify(socket, chain, svid);
    if (!peer.ok) {
      this.#refuse(socket, {
        kind: 'certificate_rejected',
        reason: `${peer.problem.code}: ${peer.problem.message}`,
        peer: '',
      });
      return;
    }
    const sni = typeof socket.servername === 'string' ? socket.servername : '';
    const openedAt = clock.now();
    const tlsVersion = socket.getProtocol() ?? '';
    const client = announcedClientOf(socket);
    const connection = new InboundConnection(
      { socket, peer: peer.value, tlsVersion, port, sni, openedAt, client },
      view,
      svid,
    );
    closeWhereBroken(socket, (reason) => this.broke(connection, reason));
    if (chain !== undefined) this.#chains.set(connection, chain);
    if (openedAt < this.#replacedAt + OPENING_TIMEOUT_MS && !provedWith(socket, svid)) {
      connection.retireAt = Number.NEGATIVE_INFINITY;
    }
    const refusal = connection.refusal(openedAt);
    if (refusal !== undefined) {
      this.#refuse(socket, { kind: 'policy_denied', reason: refusal.reason, peer: connection.sourcePrincipal });
      return;
    }
    this.#accept(connection);
  }

  /** Limits of connections are about those that are open already, too, proved or not. */
  #countConnections(): void {
    if (!this.#counts.begin()) return;
    for (const [socket, address] of this.#entered) this.#counts.count(socket, 'source.ip', address);
    for (const { socket, attributes } of this.#open) {
      this.#counts.count(socket, 'source.principal', attributes.principal ?? '');
    }
  }

  /** False for a connection that is one too many of its source, which is closed. */
  #hasRoom(socket: Socket, per: 'source.ip' | 'source.principal', source: string): boolean {
    const shortage = this.#counts.enter(socket, per, source);
    if (shortage === undefined) return true;
    const peer = per === 'source.principal' && source !== '' ? `spiffe://${source}` : '';
    if (shortage.isNews) this.#tell(socket, { kind: 'policy_denied', reason: shortage.reason, peer });
    socket.destroy();
    return false;
  }

  #accept(connection: InboundConnection): void {
    const { socket, attributes } = connection;
    if (!this.#hasRoom(socket, 'source.principal', attributes.principal ?? '')) return;
    this.#open.add(connection);
    connection.socket.once('close', () => this.#open.delete(connection));
    this.#options.accept(connection);
  }

  #judgeAgain(): void {
    const now = this.#options.clock.now();
    for (const connection of this.#open) {
      const refusal = this.#lostTrust(connection) ?? connection.expulsion(now);
      if (refusal === undefined) continue;
      const { socket, sourcePrincipal: peer } = connection;
      this.#tell(socket, { kind: 'policy_denied', reason: refusal.reason, peer });
      abortConnection(socket);
    }
  }

  #refuse(socket: Socket, refusal: Refused): void {
    this.#tell(socket, refusal);
    socket.destroy();
  }

  #tell(socket: Socket, refusal: Refused): void {
    this.#options.refuse({ ...refusal, socket, remoteAddress: remoteAddressOf(socket), port: this.#options.port });
  }

  #identify(
    socket: TLSSocket,
    chain: readonly Uint8Array[] | undefined,
    svid: Svid,
  ): Result<PeerIdentity, SvidProblem> {
    if (chain === undefined) return identifyPeer(socket.getPeerX509Certificate()?.raw, this.#rules(svid));
    return identifyByChain(chain, this.#chainRules(svid));
  }

  /** A peer whose trust domain is no longer known, or no longer by the root that vouched for it. */
  #lostTrust(connection: InboundConnection): { readonly reason: string } | undefined {
    const svid = this.#options.identity.current;
    const chain = this.#chains.get(connection);
    if (svid === undefined || chain === undefined) return undefined;
    if (connection.peer?.spiffeId.trustDomain.equals(svid.bundle.trustDomain) === true) return undefined;
    const peer = identifyByChain(chain, this.#chainRules(svid));
    return peer.ok ? undefined : { reason: `${peer.problem.code}: ${peer.problem.message}` };
  }

  #chainRules(svid: Svid): ChainRules {
    const { foreignTrust } = this.#options.view;
    const foreignRootsOf = (domain: TrustDomain): readonly Uint8Array[] | undefined => foreignTrust.rootsOf(domain);
    return { ...this.#rules(svid), roots: svid.bundle.roots, foreignRootsOf };
  }

  #rules(svid: Svid): PeerRules {
    const { view, clock } = this.#options;
    return {
      trustDomain: svid.bundle.trustDomain,
      revocationOf: (certificate) => view.revocationOf(certificate),
      now: () => clock.now(),
    };
  }

  #adopt(svid: Svid): void {
    if (svid.isUrgent === true && svid.serial !== this.#serial) {
      for (const connection of this.#open) connection.retireAt = Number.NEGATIVE_INFINITY;
      this.#replacedAt = this.#options.clock.now();
    }
    this.#serial = svid.serial;
    if (this.#tls === undefined) this.#tls = this.#createTlsServer(svid);
    else this.#tls.setSecureContext(this.#isFederated ? unjudged(svid.tls) : svid.tls);
  }

  /** Handshakes that are under way end as they began: each TLS server knows by which rules its peers are to be judged. */
  #adoptForeignTrust(): void {
    const isFederated = !this.#options.view.foreignTrust.isEmpty;
    if (isFederated === this.#isFederated) return;
    this.#isFederated = isFederated;
    const svid = this.#options.identity.current;
    if (svid !== undefined) this.#tls = this.#createTlsServer(svid);
  }

  #createTlsServer(svid: Svid): TlsServer {
    const isVerified = !this.#isFederated;
    const server = createServer({
      ...(isVerified ? svid.tls : unjudged(svid.tls)),
      requestCert: true,
      // waiver: reject-unauthorized -- TLS knows roots and no trust domains: where there are several, every peer's chain goes through identifyByChain
      rejectUnauthorized: isVerified,
      ALPNProtocols: [...(this.#options.protocols ?? HTTP1)],
      handshakeTimeout: OPENING_TIMEOUT_MS,
    });
    server.on('secureConnection', (socket) => this.#admitPeer(socket, isVerified));
    server.on('tlsClientError', (error, socket) => {
      this.#refuse(socket, describeHandshakeFailure(error, socket));
    });
    return server;
  }
}

function isOfMember(clientHello: Buffer): boolean {
  return OF_MEMBERS.some((protocol) => clientHello.includes(protocol));
}

const HTTP1: readonly string[] = [MESH_ALPN, 'http/1.1'];

/** Node hands out the chain that a peer presented only where TLS has no roots to judge it by; a resumed session has none. */
function unjudged(tls: TlsMaterial): TlsOptions {
  return { ...tls, ca: [], secureOptions: constants.SSL_OP_NO_TICKET };
}

/** A handshake that began before the own certificate was replaced ends with the one before. */
function provedWith(socket: TLSSocket, { serial }: Svid): boolean {
  return socket.getX509Certificate()?.serialNumber.toLowerCase() === serial;
}
