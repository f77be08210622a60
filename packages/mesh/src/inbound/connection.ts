import type { Socket } from 'node:net';

import { plainAddress } from '@rampart/core';
import type { ConnectionAttributes, ConnectionPolicy, Verdict, WorkloadPolicy } from '@rampart/core';

import type { PeerIdentity } from '../identity/peer.ts';
import type { Svid } from '../identity/svid.ts';
import type { MeshView } from '../view/mesh-view.ts';
import { refusal } from './refused.ts';

export interface InboundConnectionOptions {
  readonly socket: Socket;
  /** Undefined on plaintext. */
  readonly peer: PeerIdentity | undefined;
  readonly tlsVersion: string;
  /** Port the workload listens on. */
  readonly port: number;
  readonly sni: string;
  /** Unix milliseconds. */
  readonly openedAt: number;
  /** Whether it comes from this very process, where its certificate does not say so. */
  readonly isOwn?: () => boolean;
  /** Whose connection it is, as a trusted load balancer in front has told it. */
  readonly client?: ClientEnd | undefined;
}

/** The other end of a connection. */
export interface ClientEnd {
  /** IP address. */
  readonly address: string;
  readonly port: number;
}

/** A connection whose handshake is over: who is there, and the policy narrowed to them. */
export class InboundConnection {
  readonly socket: Socket;
  readonly peer: PeerIdentity | undefined;
  readonly attributes: ConnectionAttributes;
  /** The peer, or whom a trusted load balancer in front speaks for. */
  readonly client: ClientEnd;
  /** SPIFFE ID as logged; "" on plaintext. */
  readonly sourcePrincipal: string;
  /** Service account of the caller, its name among workloads; "" on plaintext. */
  readonly sourceWorkload: string;
  readonly tlsVersion: string;
  /** "ip:port" of this end. */
  readonly localAddress: string;
  /** Header value telling the application who called, see Envoy's X-Forwarded-Client-Cert. */
  readonly forwardedClientCert: string;
  /** The Host of the request before, which was found to be one: those of a connection name the same mostly. */
  authority = '';
  /** Unix milliseconds after which the caller should come back on a new connection. */
  retireAt: number;
  #policy: ConnectionPolicy;
  #revision: number;
  readonly #view: MeshView;
  /** A workload cannot be cut off from itself (Kubernetes). */
  readonly #isFromItself: boolean;
  readonly #isOwn: (() => boolean) | undefined;

  constructor(options: InboundConnectionOptions, view: MeshView, own: Svid | undefined) {
    const { socket, peer, client } = options;
    this.socket = socket;
    this.peer = peer;
    this.sourceWorkload = peer?.spiffeId.serviceAccount ?? '';
    this.tlsVersion = options.tlsVersion;
    const localIp = plainAddress(socket.localAddress ?? '');
    const sourceIp = plainAddress(socket.remoteAddress ?? '');
    this.client = client ?? { address: sourceIp, port: socket.remotePort ?? 0 };
    this.attributes = attributesOf(options, sourceIp, localIp);
    this.sourcePrincipal = peer?.spiffeId.toString() ?? '';
    this.localAddress = localIp.includes(':') ? `[${localIp}]:${options.port}` : `${localIp}:${options.port}`;
    this.forwardedClientCert =
      peer === undefined ? '' : `By=${own?.spiffeId.toString() ?? ''};URI=${this.sourcePrincipal}`;
    this.retireAt = Math.min(retirement(peer, options.openedAt), retirement(own, options.openedAt));
    this.#view = view;
    this.#isOwn = options.isOwn;
    this.#isFromItself = peer !== undefined && peer.serial === own?.serial;
    this.#policy = view.policy.forConnection(this.attributes);
    this.#revision = view.revision;
  }

  /** The workload's policy narrowed to this connection, always of the newest revision. */
  get policy(): ConnectionPolicy {
    if (this.#revision !== this.#view.revision) {
      this.#policy = this.#view.policy.forConnection(this.attributes);
      this.#revision = this.#view.revision;
    }
    return this.#policy;
  }

  /** All policies of the workload, always of the newest revision. */
  get workload(): WorkloadPolicy {
    return this.#view.policy;
  }

  get policyRevision(): number {
    return this.#revision;
  }

  /** Why this connection may not be served at all: an expired or revoked identity, plaintext where mutual TLS is asked for, a NetworkPolicy. */
  refusal(now: number): Verdict | undefined {
    return this.#identityRefusal(now) ?? this.policy.admitTransport() ?? this.#networkRefusal();
  }

  /** Why an open connection may not go on after a change: what `refusal` says, or that no request on it can be allowed any more. */
  expulsion(now: number): Verdict | undefined {
    return this.#identityRefusal(now) ?? this.policy.admit() ?? this.#networkRefusal();
  }

  #quarantine(): Verdict | undefined {
    const { quarantine } = this.#view.policy;
    return quarantine.own ?? quarantine.of(this.attributes.principal);
  }

  /** Of all that the peer may be, each must be let in: nobody gets in for a label that another one has. */
  #networkRefusal(): Verdict | undefined {
    const { network } = this.#view.policy;
    if (!network.isolatesIngress || this.#isFromItself) return undefined;
    const { sourceIp, principal, destinationPort } = this.attributes;
    const proof = { ip: sourceIp, principal, spiffeId: this.peer?.spiffeId.toString(), serial: this.peer?.serial };
    for (const candidate of this.#view.peers.candidates(proof)) {
      const verdict = network.admit(candidate, destinationPort);
      // Asked last, because it looks at every connection that this process has opened.
      if (verdict !== undefined) return this.#isOwn?.() === true ? undefined : verdict;
    }
    return undefined;
  }

  #identityRefusal(now: number): Verdict | undefined {
    const { peer } = this;
    const cutOff = this.#isFromItself ? undefined : this.#quarantine();
    if (cutOff !== undefined) return cutOff;
    if (peer !== undefined && now > peer.notAfter)
      return identityRefusal(`the certificate of ${this.sourcePrincipal} has expired`);
    const revocation = peer === undefined ? undefined : this.#view.revocationOf(peer);
    return revocation === undefined ? undefined : identityRefusal(revocation);
  }
}

/** Share of what is left of a certificate's life: past its renewal at half-life with jitter, well before its end. */
const RETIREMENT = 0.75;

function retirement(certificate: { readonly notAfter: number } | undefined, now: number): number {
  if (certificate === undefined) return Number.POSITIVE_INFINITY;
  return now + (certificate.notAfter - now) * RETIREMENT;
}

function attributesOf(
  { peer, port, sni, client }: InboundConnectionOptions,
  sourceIp: string,
  destinationIp: string,
): ConnectionAttributes {
  const attributes = { principal: peer?.spiffeId.principal, sourceIp, destinationIp, destinationPort: port, sni };
  return client === undefined ? attributes : { ...attributes, clientIp: client.address };
}

/** The verdict over a peer whose identity does not hold. */
export function identityRefusal(reason: string): Verdict {
  return { ...refusal(reason), mode: 'mTLS' };
}
