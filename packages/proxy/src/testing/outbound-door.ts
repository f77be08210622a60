import { COMPLETE } from '@rampart/mesh';
import type { Ending } from '@rampart/mesh';

import type { CapturedConnection, Destination, OutboundDoor } from '../capture/captured-connection.ts';
import { connectTcp } from '../tcp/connect-tcp.ts';
import { Tunnel } from '../tcp/tunnel.ts';
import { clock } from './real-clock.ts';

/** Takes every captured connection to one port of the loopback, or refuses it. */
export class LoopbackDoor implements OutboundDoor {
  readonly destinations: Destination[] = [];
  /** How each is refused; undefined lets it through. */
  refusal: Ending | undefined;
  /** Where they go to. */
  port = 0;
  readonly #open = new Set<Tunnel>();

  connected({ stream, head, destination, accept, refuse }: CapturedConnection): void {
    this.destinations.push(destination);
    if (this.refusal !== undefined) {
      refuse(this.refusal);
      return;
    }
    const tunnel = new Tunnel({
      near: stream,
      head,
      connect: (signal) => connectTcp({ host: '127.0.0.1', port: this.port }, signal),
      failed: ({ message }) => ({ ...COMPLETE, flag: 'UF', reason: message }),
      clock,
      idleMs: 60_000,
      opened: accept,
      unopened: refuse,
      ended: () => {
        this.#open.delete(tunnel);
      },
    });
    this.#open.add(tunnel);
  }
}
