import { once } from 'node:events';
import net, { type Socket } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { type Result, serviceHost, type SpiffeId } from '@rampart/core';
import type { CheckedInstance } from '../checked-instance.ts';

/** Where a run of a check goes. */
export interface ProbeTarget {
  readonly instance: CheckedInstance;
  /** Judged already. */
  readonly address: string;
  readonly port: number;
  readonly signal: AbortSignal;
}

/** As whom checks are run, and how it is found out who answers. */
export interface ProbeIdentity {
  readonly credentials: {
    /** PEM, leaf first, without the root. */
    readonly certificateChain: string;
    /** PEM. */
    readonly privateKey: string;
  };
  readonly verifier: {
    /** Judges the whole chain that the peer sent, its time and its revocation. */
    verify(socket: TLSSocket): Result<{ readonly id: SpiffeId }, { readonly message: string }>;
  };
}

/** Whoever answered is not who must answer; nothing was sent. */
class WrongPeer extends Error {}

export async function connectPlain({ address, port, signal }: ProbeTarget): Promise<Socket> {
  const socket = net.connect({ host: address, port });
  await established(socket, 'connect', signal);
  return socket;
}

/**
 * Mutual TLS. An instance of the mesh must prove the SPIFFE ID that the registry names for it, anything else must have a
 * certificate of the web for its host. Nothing is sent before that.
 */
export async function connectTls(
  target: ProbeTarget,
  { credentials, verifier }: ProbeIdentity,
  protocols: readonly string[],
): Promise<TLSSocket> {
  const { instance, address, port, signal } = target;
  const isOfMesh = instance.identity !== '';
  const socket = tls.connect({
    host: address,
    port,
    servername: isOfMesh
      ? serviceHost({ name: instance.service, namespace: instance.namespace })
      : serverName(instance),
    minVersion: isOfMesh ? 'TLSv1.3' : 'TLSv1.2',
    ALPNProtocols: [...protocols],
    // Certificates of the mesh name no host: who may answer is decided below, by SPIFFE ID.
    rejectUnauthorized: !isOfMesh,
    // Node hands out the whole chain of a peer only when it has no roots to judge it by.
    ...(isOfMesh ? { ca: [], cert: credentials.certificateChain, key: credentials.privateKey } : {}),
  });
  await established(socket, 'secureConnect', signal);
  if (!isOfMesh) return socket;
  const peer = verifier.verify(socket);
  if (peer.ok && peer.value.id.toString() === instance.identity) return socket;
  socket.destroy();
  throw new WrongPeer(
    peer.ok
      ? `answered as ${peer.value.id.toString()}, not as ${instance.identity}`
      : `answered with a bad certificate: ${peer.problem.message}`,
  );
}

/** A name for SNI; an address has none (RFC 6066 §3). */
function serverName({ host }: CheckedInstance): string {
  return net.isIP(host) === 0 ? host : '';
}

async function established(socket: Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<void> {
  // Errors after this are those of whoever uses the socket.
  socket.on('error', () => undefined);
  signal.addEventListener('abort', () => socket.destroy(), { once: true });
  try {
    await once(socket, event, { signal });
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
