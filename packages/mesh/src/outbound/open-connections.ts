import type { Socket } from 'node:net';

import { plainAddress } from '@rampart/core';
import type { Verdict } from '@rampart/core';

/** Asks again whether a connection may be; a DENY verdict when it may not. */
export type Judge = () => Verdict | undefined;

/** Connections that this process has opened and that must go when policy no longer lets them be. */
export class OpenConnections {
  readonly #open = new Map<Socket, Judge>();
  #judging = false;

  /** Opens a connection that was judged before: the guard in front of all sockets lets it pass. */
  judged<S extends Socket>(open: () => S, judge: Judge): S {
    this.#judging = true;
    try {
      const socket = open();
      this.follow(socket, judge);
      return socket;
    } finally {
      this.#judging = false;
    }
  }

  /** True while a connection is opened that was judged already. */
  get isJudged(): boolean {
    return this.#judging;
  }

  follow(socket: Socket, judge: Judge): void {
    this.#open.set(socket, judge);
    socket.once('close', () => this.#open.delete(socket));
  }

  /** Whether one of them leaves from this address and port. */
  hasOneFrom(address: string, port: number): boolean {
    for (const { localAddress, localPort } of this.#open.keys()) {
      if (localPort === port && plainAddress(localAddress ?? '') === plainAddress(address)) return true;
    }
    return false;
  }

  /** Calls `close` for every connection that may no longer be. */
  judgeAgain(close: (socket: Socket, verdict: Verdict) => void): void {
    for (const [socket, judge] of this.#open) {
      const check = (): void => {
        const verdict = judge();
        if (verdict !== undefined) close(socket, verdict);
      };
      // One that is still on its way may not have an address to be judged by yet.
      if (socket.connecting) socket.once('connect', check);
      else check();
    }
  }
}
