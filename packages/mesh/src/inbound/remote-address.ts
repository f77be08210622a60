import type { Socket } from 'node:net';

const remembered = new WeakMap<object, string>();

/** Asks who is at the other end while the connection is there to tell; a socket that has failed no longer knows. */
export function rememberRemoteAddress(socket: Socket): void {
  remembered.set(socket, ask(socket));
}

/** "ip:port" of the other end of a connection, or of the connection that a TLS socket was made of. */
export function remoteAddressOf(socket: Socket): string {
  // A TLS socket on top of a connection keeps it in `_parent`, in every Node line since 4; nothing public leads there.
  const below: unknown = Reflect.get(socket, '_parent');
  const known =
    remembered.get(socket) ?? (typeof below === 'object' && below !== null ? remembered.get(below) : undefined);
  return known ?? ask(socket);
}

function ask(socket: Socket): string {
  return `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`;
}
