import type { Socket } from 'node:net';

import type { InboundConnection } from '@rampart/mesh';

const inbound: unique symbol = Symbol('rampart.inbound');

type Marked = Socket & { [inbound]?: InboundConnection };

/** The admitted connection behind a socket; undefined when the socket never passed the gate. */
export function connectionOf(socket: Marked): InboundConnection | undefined {
  return socket[inbound];
}

export function markConnection(socket: Marked, connection: InboundConnection): void {
  socket[inbound] = connection;
}
