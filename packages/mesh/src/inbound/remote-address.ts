import type { Socket } from 'node:net';

import type { ClientEnd } from './connection.ts';

interface Remembered {
  /** "ip:port". */
  readonly address: string;
  /** As a trusted load balancer in front has told it. */
  readonly client: ClientEnd | undefined;
}

const remembered = new WeakMap<object, Remembered>();

/** Asks who is at the other end while the connection is there to tell; a socket that has failed no longer knows. */
export function rememberRemoteAddress(socket: Socket, client: ClientEnd | undefined): void {
  const address = client === undefined ? ask(socket) : `${client.address}:${client.port}`;
  remembered.set(socket, { address, client });
}

/** "ip:port" of the other end of a connection, or of the connection that a TLS socket was made of. */
export function remoteAddressOf(socket: Socket): string {
  return recall(socket)?.address ?? ask(socket);
}

/** Whom a trusted load balancer speaks for on a connection. */
export function announcedClientOf(socket: Socket): ClientEnd | undefined {
  return recall(socket)?.client;
}

function recall(socket: Socket): Remembered | undefined {
  // A TLS socket on top of a connection keeps it in `_parent`, in every Node line since 4; nothing public leads there.
  const below: unknown = Reflect.get(socket, '_parent');
  return remembered.get(socket) ?? (typeof below === 'object' && below !== null ? remembered.get(below) : undefined);
}

function ask(socket: Socket): string {
  return `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`;
}
