import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';

import type { Clock } from '@rampart/core';
import { firstMessage, framed, isAnswerTo } from '@rampart/wire/dns';

import type { Upstream } from './upstream.ts';

export interface ForwarderOptions {
  /** Asked in this order, the next one when the one before does not answer. */
  readonly upstreams: readonly Upstream[];
  readonly clock: Clock;
}

/** A query on its way to somebody else. */
interface Ask {
  readonly sent: Uint8Array;
  readonly questionBytes: number;
  readonly upstream: Upstream;
}

type Answered = (response: Uint8Array | undefined) => void;
/** Sends a query; tells once what came of it, or never. Returns how to stop waiting. */
type Send = (ask: Ask, answered: Answered) => () => void;

const PATIENCE_MS = 2000;
/** Questions under way; a flood of names must not become a flood of sockets. */
const MOST_UNDER_WAY = 512;
const LARGEST_BYTES = 65_535;

/** Asks others what is no name of the mesh. The query goes on as it came, under another id and from a port of its own. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  #underWay = 0;

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  /** The response, under the id of the query; undefined when nobody answered in time. */
  async forward(query: Uint8Array, questionBytes: number, transport: 'udp' | 'tcp'): Promise<Uint8Array | undefined> {
    if (this.#underWay >= MOST_UNDER_WAY) return undefined;
    this.#underWay += 1;
    try {
      for (const upstream of this.#options.upstreams) {
        const sent = Uint8Array.from(query);
        const id = randomInt(0x1_0000);
        sent.set([id >> 8, id & 0xff]);
        const response = await this.#ask({ sent, questionBytes, upstream }, transport === 'udp' ? overUdp : overTcp);
        if (response === undefined) continue;
        const own = Uint8Array.from(response);
        own.set(query.subarray(0, 2));
        return own;
      }
      return undefined;
    } finally {
      this.#underWay -= 1;
    }
  }

  async #ask(ask: Ask, send: Send): Promise<Uint8Array | undefined> {
    const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
    const late = this.#options.clock.after(PATIENCE_MS, () => resolve(undefined));
    const stop = send(ask, resolve);
    try {
      return await promise;
    } finally {
      late.cancel();
      stop();
    }
  }
}

const overUdp: Send = ({ upstream, sent, questionBytes }, answered) => {
  const socket = createSocket(isIPv6(upstream.host) ? 'udp6' : 'udp4');
  socket.on('error', () => answered(undefined));
  socket.on('message', (message) => {
    if (isAnswerTo(message, sent, questionBytes)) answered(message);
  });
  // Connected, so that the kernel drops what comes from anybody else.
  socket.connect(upstream.port, upstream.host, () => socket.send(sent));
  return () => socket.close();
};

const overTcp: Send = ({ upstream, sent, questionBytes }, answered) => {
  const socket = connect(upstream.port, upstream.host);
  let received: Uint8Array = new Uint8Array(0);
  socket.on('error', () => answered(undefined));
  socket.on('close', () => answered(undefined));
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    const response = firstMessage(received, LARGEST_BYTES);
    if (response === undefined || response === 'too long') return;
    answered(isAnswerTo(response, sent, questionBytes) ? response : undefined);
  });
  socket.write(framed(sent));
  return () => socket.destroy();
};
