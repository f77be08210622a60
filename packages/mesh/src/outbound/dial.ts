import net, { isIP } from 'node:net';
import tls from 'node:tls';
import type { ConnectionOptions, PeerCertificate, TLSSocket } from 'node:tls';

import { RampartError } from '@rampart/core';
import type { RevocableCertificate } from '@rampart/spiffe';

import { closeWhereBroken } from '../identity/broken-tls.ts';
import { identifyPeer } from '../identity/peer.ts';
import type { PeerIdentity } from '../identity/peer.ts';
import type { Svid } from '../identity/svid.ts';
import { MESH_ALPN, TCP_ALPN } from '../inbound/gate.ts';
import type { MeshEndpoint, MeshService } from '../view/endpoint.ts';
import { explainUnproved } from './unproved-peer.ts';

// Taken once, at load: an in-process data plane hooks both, and its own connections must not go through the hooks.
const { connect } = tls;
const { connect: connectTcp } = net;

export interface DialOptions {
  readonly service: MeshService;
  readonly endpoint: MeshEndpoint;
  readonly svid: Svid;
  /** What may be spoken, by ALPN, the most wanted first; what the instance is registered with unless given. */
  readonly protocols?: readonly string[];
  revocationOf(certificate: RevocableCertificate): string | undefined;
  now(): number;
  /** Told who answered, once that is proved. */
  identified?(peer: PeerIdentity): void;
}

/** Opens a mutual-TLS connection on which only the identity that the registry names for the endpoint may answer. */
export function dial(options: DialOptions): TLSSocket {
  const { endpoint, service, svid } = options;
  const socket = connect({
    ...wayTo(endpoint),
    servername: service.host,
    secureContext: svid.context,
    ALPNProtocols: [...(options.protocols ?? protocolsOf(endpoint))],
    checkServerIdentity: (_host, certificate) => checkPeer(certificate, options),
  });
  socket.setNoDelay(true);
  closeWhereBroken(socket);
  explainUnproved(socket, { now: options.now, error: (problem) => badCertificate(problem, options) });
  return socket;
}

/**
 * TLS over a connection that was opened for it can be reset, and its peer tell half of something from the whole: see
 * `abortConnection`. A name may have several addresses, and Node exchange what is below while it tries them.
 */
function wayTo({ host, port, protocol }: MeshEndpoint): ConnectionOptions {
  // A peer that has said all it has to say may still listen (for `tls.connect` not in its types).
  const place = { host, port, allowHalfOpen: protocol === 'tcp' };
  return isIP(host) === 0 ? place : { socket: connectTcp({ ...place, noDelay: true }) };
}

const HTTP1: readonly string[] = [MESH_ALPN, 'http/1.1'];
const TCP: readonly string[] = [TCP_ALPN];
/** HTTP/2 to a member of the mesh, which says so to servers that end TLS of their own. */
export const HTTP2: readonly string[] = ['h2', MESH_ALPN];

function protocolsOf({ protocol }: MeshEndpoint): readonly string[] {
  switch (protocol) {
    case 'tcp':
      return TCP;
    case 'http2':
    case 'grpc':
      return HTTP2;
    default:
      return HTTP1;
  }
}

function checkPeer(certificate: PeerCertificate, options: DialOptions): Error | undefined {
  const { service, endpoint, svid } = options;
  const rules = { trustDomain: svid.bundle.trustDomain, revocationOf: options.revocationOf, now: options.now };
  const peer = identifyPeer(certificate.raw, rules);
  if (!peer.ok) return badCertificate(peer.problem.message, options);
  if (peer.value.spiffeId.equals(endpoint.spiffeId)) {
    options.identified?.(peer.value);
    return undefined;
  }
  return new RampartError(
    'UPSTREAM_IDENTITY_MISMATCH',
    `${endpoint.address}, an instance of ${service.host}, answered as ${peer.value.spiffeId.toString()} but the registry names ${endpoint.spiffeId.toString()}; the call was not sent`,
  );
}

function badCertificate(problem: string, { service, endpoint }: DialOptions): RampartError {
  return new RampartError(
    'INVALID_CERTIFICATE',
    `${endpoint.address}, an instance of ${service.host}, answered with a bad certificate: ${problem}; the call was not sent`,
  );
}
