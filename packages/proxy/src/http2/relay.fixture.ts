import { connect } from 'node:net';

import type { Exchange } from '../http/exchange.ts';
import type { Upstream, UpstreamCall } from '../http/upstream.ts';
import type { ResponseSink } from '../http1/client-connection.ts';
import { ConnectionPool } from '../http1/connection-pool.ts';
import type { MessageHead } from '../http1/head.ts';
import type { Portion } from '../http1/message-reader.ts';
import type { BodySink } from '../http1/server-exchange.ts';
import { SocketStream } from '../stream/socket-stream.ts';
import { clock } from '../testing/real-clock.ts';
import { startServer } from '../testing/servers.ts';
import { Http2ClientSessions } from './client-sessions.ts';
import { Http2ServerSessions } from './server-sessions.ts';

/** One request that goes from an exchange to an upstream, without a policy or a record. */
class RelayedCall implements BodySink, ResponseSink {
  readonly #server: Exchange;
  readonly #client: UpstreamCall;

  constructor(server: Exchange, upstream: Upstream) {
    this.#server = server;
    this.#client = upstream.take();
    if (!this.#client.send(server, server.takeBody(this), this)) server.pause();
  }

  requestBody(portion: Portion): boolean {
    return this.#client.continue(portion);
  }

  abandoned(): void {
    this.#client.abandon();
  }

  responseRoom(): void {
    this.#client.resume();
  }

  response(head: MessageHead, portion: Portion): boolean {
    return this.#server.respond(head, portion);
  }

  responseBody(portion: Portion): boolean {
    return this.#server.continue(portion);
  }

  inform(head: MessageHead): void {
    this.#server.inform(head);
  }

  switched(): void {}

  requestRoom(): void {
    this.#server.resume();
  }

  failed(error: Error): void {
    if (this.#server.hasBegunAnswer) this.#server.breakOff(error);
    else this.#server.answer(503, [], Buffer.from(error.message));
  }
}

export interface Relay {
  /** Takes HTTP/2 in plaintext. */
  readonly port: number;
  close(): void;
}

/** Carries requests over HTTP/2 to a port of this host, where `version` is spoken. */
export async function startRelay(to: number, version: 'http/1.1' | 'h2'): Promise<Relay> {
  const open = (): SocketStream => new SocketStream(connect({ host: '127.0.0.1', port: to, allowHalfOpen: true }));
  const upstream = version === 'h2' ? new Http2ClientSessions(open) : new ConnectionPool(open, 16);
  const sessions = new Http2ServerSessions({ clock });
  const door = await startServer((socket) => {
    sessions.serve(
      { stream: new SocketStream(socket) },
      { request: (exchange) => new RelayedCall(exchange, upstream) },
    );
  });
  return {
    port: door.port,
    close: () => {
      sessions.close();
      upstream.close();
      door.close();
    },
  };
}
