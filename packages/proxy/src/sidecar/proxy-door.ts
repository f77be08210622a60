import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';

import type { Clock } from '@rampart/core';

import { HttpProxyEntrance } from '../capture/http-proxy/http-proxy-entrance.ts';
import { SocketStream } from '../stream/socket-stream.ts';
import type { OutboundWay } from './outbound-way.ts';
import type { Place } from './sidecar-config.ts';

/** Connections that are waiting to be accepted: applications open many at once. */
const BACKLOG = 4096;

/** The HTTP proxy that applications are told of in `http_proxy`: requests in absolute form, by their Host, and CONNECT. */
export class ProxyDoor {
  readonly #server: Server;

  constructor(outbound: OutboundWay, clock: Clock) {
    const entrance = new HttpProxyEntrance({
      door: outbound,
      clock,
      http: ({ stream, head }) => {
        outbound.http.accept(stream, head);
        stream.resume();
      },
    });
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      entrance.enter(new SocketStream(socket)),
    );
  }

  /** Resolves with the port. */
  listen(place: Place): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ ...place, backlog: BACKLOG }, () => {
        this.#server.off('error', reject);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  close(): void {
    this.#server.close();
  }
}
