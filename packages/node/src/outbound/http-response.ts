import { subscribe } from 'node:diagnostics_channel';
import { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

import { COMPLETE, failure, isOfProgram } from '@rampart/mesh';
import type { Ending, OutboundExchange } from '@rampart/mesh';

import { countBody } from '../body-bytes.ts';

const followed: unique symbol = Symbol('rampart.exchange');

type Followed = ClientRequest & { [followed]?: OutboundExchange };

/** Notes what comes back for this request. */
export function followResponse(request: Followed, exchange: OutboundExchange): void {
  request[followed] = exchange;
}

export function isFollowed(request: Followed): boolean {
  return request[followed] !== undefined;
}

/** The connection that a request has become, when the other side switched protocols. */
export function upgradeOf(request: ClientRequest): { readonly code: number; readonly socket: Socket } | undefined {
  const response: unknown = Reflect.get(request, 'res');
  if (!(response instanceof IncomingMessage) || Reflect.get(response, 'upgrade') !== true) return undefined;
  return { code: response.statusCode ?? 0, socket: response.socket };
}

/** A listener for 'response' would change what Node does with a response nobody listens for; its diagnostics channel does not. */
export function hookResponses(): void {
  subscribe('http.client.response.finish', (message) => {
    const { request, response } = message as { request?: unknown; response?: unknown };
    if (!(request instanceof ClientRequest) || !(response instanceof IncomingMessage)) return;
    const exchange = (request as Followed)[followed];
    if (exchange === undefined) return;
    exchange.code = response.statusCode ?? 0;
    countBody(response, (bytes) => (exchange.bytesReceived += bytes));
  });
}

/** How a closed request ended. `refusal` is the mesh's own reason for not sending it. */
export function endingOf(request: ClientRequest, exchange: OutboundExchange, refusal: Error | undefined): Ending {
  const response: unknown = Reflect.get(request, 'res');
  const answered = response instanceof IncomingMessage ? response : undefined;
  if (answered?.complete === true) return COMPLETE;
  // A request destroyed while it waits for a connection never gets one.
  const socket: unknown = request.socket;
  const connection = socket instanceof TLSSocket ? socket : undefined;
  const error = refusal ?? connection?.errored ?? answered?.errored;
  return failure(exchange, error, {
    byCaller: refusal === undefined && gaveUp(connection),
    connected: connection?.authorized === true,
  });
}

/** A connection that neither failed nor was ended by the other side was closed from here. */
function gaveUp(socket: TLSSocket | undefined): boolean {
  if (socket === undefined) return true;
  return socket.errored === null ? socket.destroyed && !socket.readableEnded : isOfProgram(socket.errored);
}
