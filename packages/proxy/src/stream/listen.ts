import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

import { RampartError } from '@rampart/core';
import type { Clock } from '@rampart/core';

import { takeWaiting } from './waiting-connections.ts';

export interface ListeningPlace {
  readonly host: string;
  /** 0 takes any. */
  readonly port: number;
}

/** Connections that are waiting to be accepted: callers come in bursts. */
const BACKLOG = 4096;
/** Beyond it, new ones are closed at once. */
const MOST_CONNECTIONS = 16_384;

/** A server for connections that may half-close. */
export function createDoor(enter: (socket: Socket) => void, clock: Clock): Server {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, enter);
  server.maxConnections = MOST_CONNECTIONS;
  server.once('listening', () => {
    // Without what takes more at a time, they are taken one by one.
    takeWaiting({ server, enter, now: () => clock.now() }).catch(() => undefined);
  });
  return server;
}

/** Has a server take connections somewhere; resolves with the port. */
export type Listen = (server: Server, place: ListeningPlace) => Promise<number>;

/** Resolves with the port. @throws RampartError PORT_IN_USE, or INVALID_ARGUMENT where this machine cannot listen there. */
export function listenOn(server: Server, { host, port }: ListeningPlace): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => reject(explained(error, host, port));
    server.once('error', failed);
    server.listen({ host, port, backlog: BACKLOG }, () => {
      server.off('error', failed);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function explained(cause: NodeJS.ErrnoException, host: string, port: number): RampartError {
  return cause.code === 'EADDRINUSE'
    ? new RampartError(
        'PORT_IN_USE',
        `port ${port} of ${host} is in use; stop what listens there or choose another port`,
        {
          cause,
        },
      )
    : new RampartError('INVALID_ARGUMENT', `cannot listen on port ${port} of ${host}: ${cause.message}`, { cause });
}
