import { randomInt } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import type { Clock } from '@rampart/core';
import { firstMessage, framed, isAnswerTo } from '@rampart/wire/dns';

/** A resolver that knows the rest of the world. */
export interface Upstream {
  /** IP literal. */
  readonly host: string;
  readonly port: number;
}

export interface ForwarderOptions {
  /** Asked in this order, the next one when the one before does not answer. */
  readonly upstreams: readonly Upstream[];
  readonly clock: Clock;
}

export type Transport = 'udp' | 'tcp';

const LARGEST_BYTES = 65_535;
const PATIENCE_MS = 2000;
/** Questions under way; a flood of names must not become a flood of sockets. */
const MOST_UNDER_WAY = 512;

/** Asks others what is in no zone of ours. The query goes on as it came, under another id and from a port of its own. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  #underWay = 0;

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  /** The response, under the id of the query; undefined when nobody answered in time. */
  async forward(query: Uint8Array, questionBytes: number, transport: Transport): Promise<Uint8Array | undefined> {
    if (this.#underWay >= MOST_UNDER_WAY) return undefined;
    this.#underWay += 1;
    try {
      const ask = transport === 'udp' ? askOverUdp : askOverTcp;
      for (const upstream of this.#options.upstreams) {
        const sent = Uint8Array.from(query);
        const id = randomInt(0x1_0000);
        sent[0] = id >> 8;
        sent[1] = id & 0xff;
        const response = await ask({ sent, questionBytes, upstream, clock: this.#options.clock });
        if (response !== undefined) {
          const own = Uint8Array.from(response);
          own.set(query.subarray(0, 2));
          return own;
        }
      }
      return undefined;
    } finally {
      this.#underWay -= 1;
    }
  }
}

interface Ask {
  readonly sent: Uint8Array;
  readonly questionBytes: number;
  readonly upstream: Upstream;
  readonly clock: Clock;
}

function askOverUdp({ upstream, sent, questionBytes, clock }: Ask): Promise<Uint8Array | undefined> {
  const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
  const socket: UdpSocket = createSocket(isIPv6(upstream.host) ? 'udp6' : 'udp4');
  const late = clock.after(PATIENCE_MS, () => resolve(undefined));
  socket.on('error', () => resolve(undefined));
  socket.on('message', (message) => {
    if (isAnswerTo(message, sent, questionBytes)) resolve(message);
  });
  // Connected, so that the kernel drops what comes from anybody else.
  socket.connect(upstream.port, upstream.host, () => socket.send(sent));
  return promise.finally(() => {
    late.cancel();
    socket.close();
  });
}

function askOverTcp({ upstream, sent, questionBytes, clock }: Ask): Promise<Uint8Array | undefined> {
  const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
  const socket = connect(upstream.port, upstream.host);
  const late = clock.after(PATIENCE_MS, () => resolve(undefined));
  let received = Buffer.alloc(0);
  socket.on('error', () => resolve(undefined));
  socket.on('close', () => resolve(undefined));
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    const response = firstMessage(received, LARGEST_BYTES);
    if (response === undefined || response === 'too long') return;
    resolve(isAnswerTo(response, sent, questionBytes) ? response : undefined);
  });
  socket.write(framed(sent));
  return promise.finally(() => {
    late.cancel();
    socket.destroy();
  });
}
