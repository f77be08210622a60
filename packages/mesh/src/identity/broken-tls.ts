import { errorMonitor } from 'node:events';
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';

const CODE_OF_OPENSSL = 'ERR_SSL_';

/** OpenSSL's own words for what came on a connection and was no TLS of its peer; undefined for any other error. */
export function brokenTls(error: Error & { readonly code?: unknown; readonly reason?: unknown }): string | undefined {
  if (typeof error.code !== 'string' || !error.code.startsWith(CODE_OF_OPENSSL)) return undefined;
  return `TLS was broken: ${typeof error.reason === 'string' ? error.reason : error.code}`;
}

/**
 * Closes an open connection once something comes that is no TLS of its peer. OpenSSL has told the peer by then; Node tells the
 * error, and would leave the connection as it is for as long as the peer likes.
 */
export function closeWhereBroken(socket: Socket, told: (reason: string) => void = () => undefined): void {
  const events: EventEmitter = socket;
  events.once(errorMonitor, (error: Error) => {
    const reason = brokenTls(error);
    if (reason === undefined) return;
    told(reason);
    socket.destroy();
  });
}
