import { connect } from 'node:net';
import type { LookupFunction } from 'node:net';

import { SocketStream } from '../stream/socket-stream.ts';

/** Where TCP leads to. */
export interface TcpAddress {
  /** IP address or name. */
  readonly host: string;
  readonly port: number;
  /** Resolves a name; the system's own way where absent. */
  readonly lookup?: LookupFunction;
}

/** A peer that is gone without a word is noticed by the system after a few of these, in milliseconds. */
const KEEP_ALIVE_MS = 60_000;

/** Opens a TCP connection. Rejects with the system's error, or with the signal's reason. */
export function connectTcp(address: TcpAddress, signal: AbortSignal): Promise<SocketStream> {
  const { promise, resolve, reject } = Promise.withResolvers<SocketStream>();
  if (signal.aborted) {
    reject(reasonOf(signal));
    return promise;
  }
  const socket = connect({ ...address, allowHalfOpen: true, noDelay: true });
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  const giveUp = (): void => {
    socket.destroy();
    reject(reasonOf(signal));
  };
  signal.addEventListener('abort', giveUp, { once: true });
  const stream = new SocketStream(socket);
  socket.once('connect', () => {
    signal.removeEventListener('abort', giveUp);
    socket.off('error', reject);
    resolve(stream);
  });
  socket.once('error', reject);
  return promise;
}

function reasonOf({ reason }: AbortSignal): Error {
  return reason instanceof Error ? reason : new Error('given up');
}
