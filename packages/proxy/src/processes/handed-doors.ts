import type { Server, Socket } from 'node:net';

import { RampartError } from '@rampart/core';
import type { ErrorCode } from '@rampart/core';

import type { Listen } from '../stream/listen.ts';
import type { FromWorker } from './messages.ts';
import type { Opening } from './shared-doors.ts';

/** The ports of this process, as the one that leads has opened them. */
export class HandedDoors {
  readonly #send: (message: FromWorker) => void;
  readonly #servers = new Map<string, Server>();
  readonly #openings = new Map<string, PromiseWithResolvers<Opening>>();

  constructor(send: (message: FromWorker) => void) {
    this.#send = send;
  }

  /** Ports are asked for in the same order by each process: that is their name. */
  readonly listen: Listen = async (server, place) => {
    const door = `${this.#servers.size} ${place.host} ${place.port}`;
    this.#servers.set(door, server);
    const pending = Promise.withResolvers<Opening>();
    this.#openings.set(door, pending);
    this.#send({ kind: 'open', door, place });
    const opening = await pending.promise;
    if (opening.port === undefined) throw new RampartError(opening.code as ErrorCode, opening.message);
    return opening.port;
  };

  opened(door: string, opening: Opening): void {
    this.#openings.get(door)?.resolve(opening);
  }

  /** Without a socket where its other side has gone meanwhile. */
  enter(door: string, socket: Socket | undefined): void {
    this.#send({ kind: 'taken' });
    if (socket === undefined) return;
    // What a server would have made it with.
    socket.allowHalfOpen = true;
    socket.setNoDelay(true);
    const server = this.#servers.get(door);
    if (server === undefined) socket.destroy();
    else server.emit('connection', socket);
  }
}
