import type { Socket } from 'node:net';
import { connect } from 'node:tls';

import { tlsOptions } from '@rampart/mesh';
import type { OriginatedTls } from '@rampart/mesh';

import { SocketStream } from '../stream/socket-stream.ts';

/** Speaks TLS on a connection in its caller's place. Rejects when the server is not who it should be, or with the signal's reason. */
export async function secured(socket: Socket, settings: OriginatedTls, signal: AbortSignal): Promise<SocketStream> {
  const giveUp = (): void => void socket.destroy();
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    const options = await tlsOptions(settings);
    signal.throwIfAborted();
    return await handshake(connect({ ...options, socket }));
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

function handshake(socket: ReturnType<typeof connect>): Promise<SocketStream> {
  return new Promise((resolve, reject) => {
    const stream = new SocketStream(socket);
    socket.once('secureConnect', () => {
      socket.off('error', reject).off('close', ended);
      resolve(stream);
    });
    const ended = (): void => reject(new Error('the server ended the connection during the handshake'));
    socket.once('error', reject).once('close', ended);
  });
}
