import type { Server, Socket } from 'node:net';
import { networkOf, plainAddress } from './network-of.ts';

const LOOPBACK = /^(?:127\.|::1$)/;

/** Closes connections of one network beyond so many that are open; this host itself may have as many as it likes. */
export function limitConnections(server: Server, most: number): void {
  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const address = plainAddress(socket.remoteAddress ?? '');
    if (LOOPBACK.test(address)) return;
    const network = networkOf(address);
    const count = (open.get(network) ?? 0) + 1;
    open.set(network, count);
    socket.once('close', () => {
      const left = (open.get(network) ?? 1) - 1;
      if (left === 0) open.delete(network);
      else open.set(network, left);
    });
    if (count > most) socket.destroy();
  });
}
