import type { ClientRequest, ClientRequestArgs } from 'node:http';

import { COMPLETE, formatTraceparent } from '@rampart/mesh';
import type { Ending, Outbound, OutboundExchange, OutboundRecorder, Target } from '@rampart/mesh';

import { bytesSent } from '../body-count.ts';
import { CALL_HEADER } from './ruled/passed-headers.ts';
import type { RuledRequests } from './ruled/ruled-requests.ts';
import { endingOf, followResponse, isFollowed, upgradeOf } from './http-response.ts';

/** Follows requests of `node:http` from their beginning to the record of their end. */
export class HttpCalls {
  readonly #outbound: Outbound;
  readonly #recorder: OutboundRecorder;

  constructor(outbound: Outbound, recorder: OutboundRecorder) {
    this.#outbound = outbound;
    this.#recorder = recorder;
  }

  /** Where the request goes; undefined when it goes nowhere, which it has been told. */
  begin(request: ClientRequest, options: ClientRequestArgs): Target | undefined {
    const exchange = this.#follow(request, options.host);
    const route = this.#outbound.route(options.host ?? '', Number(options.port ?? 0));
    const refusal = route.kind === 'failed' ? route.error : undefined;
    request.on('close', () => this.#finish(request, exchange, refusal));
    if (route.kind !== 'mesh') {
      fail(request, refusal);
      return undefined;
    }
    this.#send(request, exchange, route.target);
    return route.target;
  }

  /** Notes on a request that rules are about whose it is: it is followed where they are held. */
  note(request: ClientRequest, ruled: RuledRequests): void {
    // Headers given as an array are already rendered: such a request is told apart by what it says of itself.
    if (request.headersSent) return;
    const { method, path, host } = request;
    const value = ruled.expect(this.#recorder.begin({ method, path, authority: authorityOf(request, host) }));
    request.setHeader(CALL_HEADER, value);
    request.once('close', () => ruled.forget(value));
  }

  /** Follows a request that came to an instance on a connection of its own. */
  adopt(request: ClientRequest, target: Target): void {
    if (isFollowed(request)) return;
    const exchange = this.#follow(request, request.host);
    request.on('close', () => this.#finish(request, exchange, undefined));
    this.#send(request, exchange, target);
  }

  #follow(request: ClientRequest, host: string | null | undefined): OutboundExchange {
    const exchange = this.#recorder.begin({
      method: request.method,
      path: request.path,
      authority: authorityOf(request, host),
    });
    followResponse(request, exchange);
    return exchange;
  }

  #send(request: ClientRequest, exchange: OutboundExchange, target: Target): void {
    exchange.target = target;
    this.#outbound.plane.picker.started(target.endpoint);
    addTraceHeaders(request, exchange);
  }

  #finish(request: ClientRequest, exchange: OutboundExchange, refusal: Error | undefined): void {
    exchange.bytesSent = bytesSent(request);
    exchange.userAgent = String(request.getHeader('user-agent') ?? '');
    const upgraded = upgradeOf(request);
    if (upgraded === undefined) {
      this.#end(exchange, endingOf(request, exchange, refusal));
      return;
    }
    exchange.code = upgraded.code;
    upgraded.socket.once('close', () => {
      exchange.bytesSent = upgraded.socket.bytesWritten;
      exchange.bytesReceived = upgraded.socket.bytesRead;
      this.#end(exchange, COMPLETE);
    });
  }

  #end(exchange: OutboundExchange, ending: Ending): void {
    const { target } = exchange;
    if (target !== undefined) this.#outbound.plane.picker.finished(target.endpoint);
    this.#recorder.end(exchange, ending);
  }
}

/** A destroyed request tells its listeners only when it is given its socket, or told that there is none. */
function fail(request: ClientRequest, error: Error | undefined): void {
  request.destroy(error);
  Reflect.apply(request.onSocket, request, [null, error]);
}

function addTraceHeaders(request: ClientRequest, exchange: OutboundExchange): void {
  // Headers given as an array are already rendered; such requests get their id at the other end.
  if (request.headersSent) return;
  const requestId = request.getHeader('x-request-id');
  const traceparent = request.getHeader('traceparent');
  exchange.adopt(asText(requestId), asText(traceparent));
  if (requestId === undefined && exchange.requestId !== '') request.setHeader('x-request-id', exchange.requestId);
  if (traceparent === undefined) request.setHeader('traceparent', formatTraceparent(exchange));
}

function asText(header: number | string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined;
}

function authorityOf(request: ClientRequest, host: string | null | undefined): string {
  const header = request.headersSent ? undefined : request.getHeader('host');
  return typeof header === 'string' ? header : (host ?? '');
}
