import type { Duplex } from 'node:stream';

import type { Outbound } from '@rampart/mesh';

import { AnnouncedExchanges, announcedOn, announceOn } from './announced-exchanges.ts';
import { InnerPipe } from './inner-pipe.ts';
import type { RuledStreams } from './http2/ruled-streams.ts';
import type { RuledRequests } from './ruled-requests.ts';
import { SplicedClient } from './spliced/spliced-client.ts';
import type { SplicedClientOptions } from './spliced/spliced-client.ts';

/** How every client of HTTP/2 begins (RFC 9113 §3.4). */
const PREFACE = 'PRI ';

/** Whether a socket leads to where rules are held. */
export function leadsToRules(socket: object | undefined): boolean {
  return socket !== undefined && announcedOn(socket) !== undefined;
}

export interface RuledDoorOptions {
  readonly outbound: Outbound;
  readonly requests: RuledRequests;
  readonly streams: RuledStreams;
  /** For requests that are sent on as their clients have written them. */
  readonly spliced: SplicedClientOptions;
}

/** Where clients of this process connect to, instead of to a service that rules are about. */
export class RuledDoor {
  readonly #outbound: Outbound;
  readonly #requests: RuledRequests;
  readonly #streams: RuledStreams;
  readonly #spliced: SplicedClientOptions;

  constructor({ outbound, requests, streams, spliced }: RuledDoorOptions) {
    this.#outbound = outbound;
    this.#requests = requests;
    this.#streams = streams;
    this.#spliced = spliced;
  }

  /** Whether rules are about requests to a host and port. */
  concerns(host: string, port: number): boolean {
    return this.#outbound.isRuled(host, port);
  }

  /**
   * A connection on which a client can send requests to a host and port, in plaintext, over either version of HTTP; `alpn` is what
   * a client is told that goes by it.
   */
  connect(host: string, port: number, alpn?: 'h2'): Duplex {
    const [near, far] = InnerPipe.pair();
    if (alpn !== undefined) near.alpnProtocol = alpn;
    const announced = new AnnouncedExchanges();
    announceOn(near, announced);
    near.takenBy(new SplicedClient(this.#spliced, { place: { host, port }, announced, client: near }));
    far.once('readable', () => {
      const first: unknown = far.read();
      if (!Buffer.isBuffer(first)) {
        far.destroy();
        return;
      }
      far.unshift(first);
      const isHttp2 = first.subarray(0, PREFACE.length).toString('latin1') === PREFACE;
      if (isHttp2) {
        announced.close();
        this.#streams.serve(far, { host, port });
      } else this.#requests.serve(far, { host, port }, announced);
    });
    process.nextTick(() => {
      near.emit('connect');
      near.emit('secureConnect');
    });
    return near;
  }
}
