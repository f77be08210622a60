import { Socket } from 'node:net';

/**
 * Ends a TCP or TLS connection so that the other side knows that it did not end in order. Node ends a connection that is
 * destroyed, TLS or not, as one that has come to its end, and half of something would be taken for the whole.
 */
export function abortConnection(socket: Socket): void {
  if (socket.destroyed) return;
  const connection = connectionOf(socket);
  if (connection === undefined || isEnding(socket) || isEnding(connection)) socket.destroy();
  else connection.resetAndDestroy();
}

/**
 * Whether all was sent and the end is on its way, so that nothing is taken for the whole that is not. Node 24 loses a connection that is reset then: libuv refuses, Node
 * takes it for closed all the same, and the process never ends (`TCPWrap::Reset`, `uv_tcp_close_reset`).
 */
function isEnding({ writableEnded, writableFinished, writableLength }: Socket): boolean {
  return writableEnded && !writableFinished && writableLength === 0;
}

/**
 * The TCP connection to be reset; undefined where there is none that could be. What a TLS socket was made of is in its
 * `_parent`, in every Node line since 4; nothing public leads there.
 */
function connectionOf(socket: Socket): Socket | undefined {
  const below: unknown = Reflect.get(socket, '_parent');
  const connection = below instanceof Socket ? below : socket;
  const isTcp = connection.remotePort !== undefined && !connection.connecting;
  return isTcp && !('encrypted' in connection) ? connection : undefined;
}
