import type { OutboundExchange } from '@rampart/mesh';

const announcedOnIt: unique symbol = Symbol('rampart.announced');

/**
 * Exchanges of requests over HTTP/1.1 that a client says it is about to write to a connection, in the order in which it does:
 * where its requests are read, each is met again without a mark on it.
 */
export class AnnouncedExchanges {
  #coming: (OutboundExchange | undefined)[] | undefined = [];

  /** The next request that is written is that of this exchange; undefined where the exchange was met already. */
  announce(exchange: OutboundExchange | undefined): void {
    this.#coming?.push(exchange);
  }

  /** That of the next request that was read; undefined where nothing was said about it. */
  take(): OutboundExchange | undefined {
    return this.#coming?.shift();
  }

  /** Nobody reads requests in turn. */
  close(): void {
    this.#coming = undefined;
  }
}

interface Led {
  [announcedOnIt]?: AnnouncedExchanges;
}

/** From now on the socket is one that leads to where rules are held. */
export function announceOn(socket: object, announced: AnnouncedExchanges): void {
  (socket as Led)[announcedOnIt] = announced;
}

/** Where to announce what is written to a socket; undefined where it does not lead to rules. */
export function announcedOn(socket: object): AnnouncedExchanges | undefined {
  return (socket as Led)[announcedOnIt];
}
