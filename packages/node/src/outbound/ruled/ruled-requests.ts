import http from 'node:http';
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import type { RampartError } from '@rampart/core';
import { failure, formatTraceparent, requestIdOf } from '@rampart/mesh';
import type { Outbound, OutboundExchange, OutboundRecorder, Target } from '@rampart/mesh';

import { withTarget } from '../mesh-agent.ts';
import type { MeshAgent } from '../mesh-agent.ts';
import type { Place } from '../connect-arguments.ts';
import type { AnnouncedExchanges } from './announced-exchanges.ts';
import type { InnerPipe } from './inner-pipe.ts';
import { CALL_HEADER } from './passed-headers.ts';
import type { LoopHold } from './loop-hold.ts';
import type { PendingExchanges } from './pending-exchanges.ts';
import { RuledCall } from './ruled-call.ts';
import { RuledUpgrade } from './ruled-upgrade.ts';

// Taken once, at load: this server is no door of the process, and the mesh does not stand in front of it.
const { emit } = http.Server.prototype;

const MOST_HEADER_BYTES = 262_144;
const MOST_ORIGINS = 1000;

export interface RuledRequestsOptions {
  readonly outbound: Outbound;
  readonly recorder: OutboundRecorder;
  /** Pooled connections to instances. */
  readonly agent: MeshAgent;
  readonly pending: PendingExchanges;
  readonly hold: LoopHold;
}

/**
 * Requests of this process to services that rules are about. Whichever client library sends them, it sends them into a pipe
 * within the process, where they are read, held to the rules, and sent on.
 */
export class RuledRequests {
  readonly #options: RuledRequestsOptions;
  readonly #server: http.Server;
  /** Origins lately called, as they are written. */
  readonly #origins = new Map<string, Place>();

  constructor(options: RuledRequestsOptions) {
    this.#options = options;
    this.#server = http.createServer({
      keepAliveTimeout: 0,
      requestTimeout: 0,
      headersTimeout: 0,
      maxHeaderSize: MOST_HEADER_BYTES,
    });
    Object.assign(this.#server, { emit, maxHeadersCount: 0, timeout: 0 });
  }

  /** Whether rules are about requests to an origin such as "http://orders:8080". */
  concernOrigin(origin: string | URL | null | undefined): boolean {
    const { traffic, signing } = this.#options.outbound.plane.view;
    if ((traffic.isEmpty && signing.isEmpty) || origin == null) return false;
    const { host, port } = typeof origin === 'string' ? this.#placeOf(origin) : placeOf(origin);
    return this.#options.outbound.isRuled(host, port);
  }

  #placeOf(origin: string): Place {
    let place = this.#origins.get(origin);
    if (place === undefined) {
      if (this.#origins.size >= MOST_ORIGINS) this.#origins.clear();
      place = placeOf(new URL(origin));
      this.#origins.set(origin, place);
    }
    return place;
  }

  /** Notes whose request it is that will come with this value of `CALL_HEADER`. */
  expect(exchange: OutboundExchange): string {
    return this.#options.pending.expect(exchange);
  }

  /** Nothing comes of it. */
  forget(value: string): void {
    this.#options.pending.forget(value);
  }

  /** Reads requests for a host and port. */
  serve(far: InnerPipe, place: Place, announced: AnnouncedExchanges): void {
    served.set(far, { place, announced });
    this.#listen();
    this.#server.emit('connection', far);
  }

  #listen(): void {
    if (this.#server.listenerCount('request') > 0) return;
    this.#server.on('request', (request: IncomingMessage, response: ServerResponse) => this.#take(request, response));
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#switch(request, socket, head),
    );
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const { exchange, ruled } = this.#begin(request);
    const { recorder, hold } = this.#options;
    if (!('error' in ruled)) {
      hold.begin();
      response.once('close', () => hold.end());
      RuledCall.begin({ request, response, exchange, ruled, recorder, send: (to, options) => this.#send(to, options) });
      return;
    }
    const body = refusal(exchange, ruled.error);
    response.writeHead(exchange.code, { 'content-type': 'text/plain', 'content-length': body.length }).end(body);
    recorder.end(exchange, failure(exchange, ruled.error, { byCaller: false, connected: false }));
  }

  #switch(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { exchange, ruled } = this.#begin(request);
    const { recorder } = this.#options;
    if (!('error' in ruled)) {
      const send = (to: Target, options: http.RequestOptions): ClientRequest => this.#send(to, options);
      RuledUpgrade.begin({ request, socket, head, exchange, ruled, recorder, send });
      return;
    }
    const body = refusal(exchange, ruled.error);
    socket.end(
      `HTTP/1.1 ${exchange.code} Refused\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${String(body)}`,
    );
    recorder.end(exchange, failure(exchange, ruled.error, { byCaller: false, connected: false }));
  }

  #begin(request: IncomingMessage): {
    readonly exchange: OutboundExchange;
    readonly ruled: ReturnType<Outbound['ruled']>;
  } {
    const { place, announced } = served.get(request.socket) ?? NOT_SERVED;
    const exchange = this.#exchangeOf(request, announced);
    sign(request, exchange);
    return { exchange, ruled: this.#options.outbound.ruled(place.host, place.port) };
  }

  #send(target: Target, options: http.RequestOptions): ClientRequest {
    return http.request({ ...withTarget(options, target), agent: this.#options.agent, setHost: false });
  }

  #exchangeOf(request: IncomingMessage, announced: AnnouncedExchanges | undefined): OutboundExchange {
    const expected = announced?.take() ?? this.#options.pending.take(request.headers[CALL_HEADER]);
    // Nothing that the caller has said.
    Reflect.deleteProperty(request.headers, CALL_HEADER);
    if (expected !== undefined) return expected;
    const { method = '', url = '', headers } = request;
    return this.#options.recorder.begin({ method, path: url, authority: headers.host ?? '' });
  }
}

const FORBIDDEN = 403;
const UNAVAILABLE = 503;

function refusal(exchange: OutboundExchange, { code, message }: RampartError): Buffer {
  exchange.code = code === 'EGRESS_DENIED' ? FORBIDDEN : UNAVAILABLE;
  return Buffer.from(`${code}: ${message}\n`);
}

function placeOf({ hostname, port, protocol }: URL): Place {
  const usual = protocol === 'https:' ? 443 : 80;
  return { host: hostname, port: port === '' ? usual : Number(port) };
}

interface Served {
  readonly place: Place;
  readonly announced: AnnouncedExchanges | undefined;
}

/** Where the far ends of pipes are meant to lead, and what their clients say of what they write. */
const served = new WeakMap<object, Served>();
const NOT_SERVED: Served = { place: { host: '', port: 0 }, announced: undefined };

/** W3C Trace Context: the trace of the application goes on, or begins here. */
function sign({ headers, rawHeaders }: IncomingMessage, exchange: OutboundExchange): void {
  const requestId = headers['x-request-id'];
  const traceparent = headers['traceparent'];
  exchange.adopt(asText(requestId), asText(traceparent));
  if (requestId === undefined) rawHeaders.push('x-request-id', requestIdOf(exchange));
  if (traceparent === undefined) rawHeaders.push('traceparent', formatTraceparent(exchange));
}

function asText(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined;
}
