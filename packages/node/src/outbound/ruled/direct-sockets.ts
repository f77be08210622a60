import type { Socket } from 'node:net';

import type { Place } from '../connect-arguments.ts';

interface Held {
  readonly place: Place;
  /** Requests under way on it. */
  busy: number;
  isRetired: boolean;
}

/**
 * Connections straight to an instance, which clients keep for further requests. Once rules are about those, they must not be
 * used again: what is under way ends first.
 */
export class DirectSockets {
  readonly #held = new Map<Socket, Held>();

  opened(socket: Socket, place: Place): void {
    this.#held.set(socket, { place, busy: 0, isRetired: false });
    socket.once('close', () => this.#held.delete(socket));
  }

  busy(socket: Socket): void {
    const held = this.#held.get(socket);
    if (held !== undefined) held.busy += 1;
  }

  idle(socket: Socket): void {
    const held = this.#held.get(socket);
    if (held === undefined) return;
    held.busy -= 1;
    if (held.isRetired && held.busy <= 0) socket.destroy();
  }

  retire(isRuled: (host: string, port: number) => boolean): void {
    for (const [socket, held] of this.#held) {
      if (!isRuled(held.place.host, held.place.port)) continue;
      held.isRetired = true;
      if (held.busy <= 0) socket.destroy();
    }
  }
}
