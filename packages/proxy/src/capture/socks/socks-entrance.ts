import type { Clock } from '@rampart/core';
import { ResponseFlag } from '@rampart/mesh';
import type { Ending } from '@rampart/mesh';

import type { ByteStream } from '../../stream/byte-stream.ts';
import type { Destination, OutboundDoor } from '../captured-connection.ts';
import { farewell } from '../../stream/farewell.ts';
import { readOpening } from '../opening/opening.ts';
import type { OpeningLimits, OpeningProblem } from '../opening/opening.ts';
import {
  encodeReply,
  MOST_SOCKS_BYTES,
  parseGreeting,
  parseRequest,
  SOCKS_REPLY,
  SOCKS_UNACCEPTABLE,
  SOCKS_WELCOME,
} from './socks-message.ts';
import type { SocksReply } from './socks-message.ts';

export interface SocksEntranceOptions {
  readonly door: OutboundDoor;
  readonly clock: Clock;
  /** For greeting and request together. */
  readonly deadlineMs?: number;
}

const DEADLINE_MS = 10_000;

/** Where applications that speak SOCKS 5 come in (RFC 1928): CONNECT, without authentication. */
export class SocksEntrance {
  readonly #options: SocksEntranceOptions;

  constructor(options: SocksEntranceOptions) {
    this.#options = options;
  }

  /** A connection before any byte was read. */
  enter(stream: ByteStream): void {
    const { clock, deadlineMs = DEADLINE_MS } = this.#options;
    const startedAt = clock.now();
    readOpening({
      stream,
      clock,
      limits: { deadlineMs, maxBytes: MOST_SOCKS_BYTES },
      parse: parseGreeting,
      done: (isAcceptable, rest) => {
        if (!isAcceptable) {
          farewell(stream, SOCKS_UNACCEPTABLE, clock);
          return;
        }
        stream.write(SOCKS_WELCOME);
        const left = Math.max(startedAt + deadlineMs - clock.now(), 1);
        this.#request(stream, rest, { deadlineMs: left, maxBytes: MOST_SOCKS_BYTES });
      },
      failed: ({ reason }) => stream.reset(new Error(reason)),
    });
  }

  #request(stream: ByteStream, head: Buffer, limits: OpeningLimits): void {
    const { clock } = this.#options;
    const refuse = (reply: SocksReply): void => farewell(stream, encodeReply(reply), clock);
    readOpening({
      stream,
      head,
      clock,
      limits,
      parse: parseRequest,
      done: (request, rest) => {
        if (request.kind === 'refused') refuse(request.reply);
        else this.#connected(stream, rest, request.destination);
      },
      failed: (_problem: OpeningProblem) => refuse(SOCKS_REPLY.failure),
    });
  }

  #connected(stream: ByteStream, head: Buffer, destination: Destination): void {
    this.#options.door.connected({
      stream,
      head,
      destination,
      accept: () => void stream.write(encodeReply(SOCKS_REPLY.succeeded)),
      refuse: (ending) => farewell(stream, encodeReply(replyTo(ending)), this.#options.clock),
    });
  }
}

const REPLIES: Readonly<Partial<Record<string, SocksReply>>> = {
  [ResponseFlag.denied]: SOCKS_REPLY.notAllowed,
  [ResponseFlag.noRoute]: SOCKS_REPLY.hostUnreachable,
  [ResponseFlag.noInstance]: SOCKS_REPLY.hostUnreachable,
  [ResponseFlag.connectFailed]: SOCKS_REPLY.refused,
};

function replyTo({ flag, policy }: Ending): SocksReply {
  return policy !== '' ? SOCKS_REPLY.notAllowed : (REPLIES[flag] ?? SOCKS_REPLY.failure);
}
