import type { IncomingMessage } from 'node:http';
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

const judged: unique symbol = Symbol('rampart.judged');

type Judged = IncomingMessage & { [judged]?: true };

/** True when this request was let through before: the application passes it on to itself, as it may. */
export function wasJudged(request: Judged): boolean {
  return request[judged] === true;
}

export function markJudged(request: Judged): void {
  request[judged] = true;
}
