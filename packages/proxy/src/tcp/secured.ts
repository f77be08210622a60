import type { Socket } from 'node:net';
import { connect } from 'node:tls';

import { RampartError } from '@rampart/core';
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
    return await handshake(connect({ ...options, socket }), settings);
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

function handshake(socket: ReturnType<typeof connect>, settings: OriginatedTls): Promise<SocketStream> {
  return new Promise((resolve, reject) => {
    const stream = new SocketStream(socket);
    socket.once('secureConnect', () => {
      socket.off('error', failed).off('close', ended);
      resolve(stream);
    });
    const failed = (error: Error): void => reject(handshakeProblem(error, settings));
    const ended = (): void => reject(new Error('the server ended the connection during the handshake'));
    socket.once('error', failed).once('close', ended);
  });
}

/** Node's advice on how to start a program with other roots is none for those who write rules. */
function handshakeProblem(error: Error, { sni, caCertificates }: OriginatedTls): Error {
  if (error instanceof RampartError) return error;
  const reason = error.message.replace(/; if the root CA is installed locally.*$/, '');
  const roots = caCertificates === undefined ? 'the roots of this machine' : `the roots in ${caCertificates}`;
  return new RampartError('INVALID_CERTIFICATE', `no TLS with ${sni}, judged by ${roots}: ${reason}`, { cause: error });
}
