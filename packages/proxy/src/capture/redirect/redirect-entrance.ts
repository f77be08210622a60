import type { Socket } from 'node:net';

import { plainAddress } from '@rampart/core';

import { SocketStream } from '../../stream/socket-stream.ts';
import type { Destination, OutboundDoor } from '../captured-connection.ts';
import type { OriginalDestination } from './original-destination.ts';

export interface RedirectEntranceOptions {
  readonly door: OutboundDoor;
  readonly originalDestination: OriginalDestination;
  /** Told of a connection that cannot be taken further. */
  refused(reason: string): void;
}

const NOTHING = Buffer.alloc(0);

/** Where connections come in that the system has redirected: nobody had to ask for it. */
export class RedirectEntrance {
  readonly #options: RedirectEntranceOptions;

  constructor(options: RedirectEntranceOptions) {
    this.#options = options;
  }

  /** A connection before any byte was read. */
  enter(socket: Socket): void {
    const { door, originalDestination, refused } = this.#options;
    const stream = SocketStream.accepted(socket);
    const found = originalDestination(socket);
    if (!found.ok || isHere(found.value, socket)) {
      // Going on to where it is would bring it here again, without an end.
      refused(found.ok ? 'a connection to the capture port that nobody has redirected' : found.problem);
      stream.reset();
      return;
    }
    const refuse = (): void => stream.reset();
    door.connected({ stream, head: NOTHING, destination: found.value, accept: () => {}, refuse });
  }
}

function isHere({ host, port }: Destination, { localAddress = '', localPort }: Socket): boolean {
  return port === localPort && host === plainAddress(localAddress);
}
