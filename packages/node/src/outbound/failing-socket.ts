import net from 'node:net';
import type { Socket } from 'node:net';

/** A connection that could not be opened. */
export function failing(error: Error): Socket {
  const socket = new net.Socket();
  process.nextTick(() => socket.destroy(error));
  return socket;
}
