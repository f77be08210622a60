import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';

import { RampartError } from '@rampart/core';

import { listenOn } from '../stream/listen.ts';
import type { ListeningPlace } from '../stream/listen.ts';

/** A connection that no process has yet. */
export interface WaitingConnection {
  readonly door: string;
  readonly socket: Socket;
}

/** What connections are handed to. */
export interface DoorTaker {
  /** Hands a connection over; `done` is told whether it has arrived. The socket stays open here until then. */
  hand(connection: WaitingConnection, done: (hasArrived: boolean) => void): void;
}

/** How the opening of a port went. */
export type Opening =
  | { readonly port: number }
  | { readonly port?: undefined; readonly code: string; readonly message: string };

/** Connections that wait for a process with room. */
const MOST_WAITING = 4096;

/**
 * Ports that several processes serve. Connections are accepted by the process that leads and handed on in turn: with ports
 * that each process accepts from, a few long connections between proxies could all end up with the same one; and with those of
 * Node's `cluster`, a connection that is on its way to a process that dies is never heard of again. One at a time is on
 * its way to each process, and goes to another one where that dies.
 */
export class SharedDoors {
  readonly #doors = new Map<string, Promise<Opening>>();
  readonly #servers: Server[] = [];
  readonly #waiting: WaitingConnection[] = [];
  /** Those with room first in turn. */
  readonly #free: DoorTaker[] = [];

  /** Opens a port, or finds it open: the same name is the same port, whoever asks. */
  open(door: string, place: ListeningPlace): Promise<Opening> {
    const known = this.#doors.get(door);
    if (known !== undefined) return known;
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => {
      this.#enter(door, socket);
    });
    const opening = listenOn(server, place).then(
      (port): Opening => {
        this.#servers.push(server);
        return { port };
      },
      (error: unknown): Opening => {
        this.#doors.delete(door);
        if (!(error instanceof RampartError)) throw error;
        return { code: error.code, message: error.message };
      },
    );
    this.#doors.set(door, opening);
    return opening;
  }

  /** From now on it gets connections. */
  join(taker: DoorTaker): void {
    this.#free.push(taker);
    this.#go();
  }

  /** It gets no more. */
  leave(taker: DoorTaker): void {
    const at = this.#free.indexOf(taker);
    if (at !== -1) this.#free.splice(at, 1);
  }

  /** Takes no more connections. */
  close(): void {
    for (const server of this.#servers) server.close();
    for (const { socket } of this.#waiting.splice(0)) socket.destroy();
  }

  #enter(door: string, socket: Socket): void {
    socket.on('error', () => socket.destroy());
    if (this.#waiting.length >= MOST_WAITING) socket.destroy();
    else this.#waiting.push({ door, socket });
    this.#go();
  }

  #handed(connection: WaitingConnection, taker: DoorTaker | undefined): void {
    if (taker === undefined) this.#waiting.unshift(connection);
    // This process's own hold of it: the connection goes on.
    else connection.socket.destroy();
    if (taker === undefined) this.#go();
    else this.join(taker);
  }

  #go(): void {
    while (this.#waiting.length > 0) {
      const taker = this.#free.shift();
      if (taker === undefined) return;
      const next = this.#waiting.shift();
      if (next === undefined) return;
      taker.hand(next, (hasArrived) => this.#handed(next, hasArrived ? taker : undefined));
    }
  }
}
