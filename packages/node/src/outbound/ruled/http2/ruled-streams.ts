import http2 from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';

import { failure, formatTraceparent, grpcAnswer, isGrpc, requestIdOf } from '@rampart/mesh';
import type { Outbound, OutboundExchange, OutboundRecorder } from '@rampart/mesh';

import type { LoopHold } from '../loop-hold.ts';
import type { Place } from '../../connect-arguments.ts';
import type { InnerPipe } from '../inner-pipe.ts';
import { CALL_HEADER } from '../passed-headers.ts';
import type { PendingExchanges } from '../pending-exchanges.ts';
import { headersOf } from './header-lists.ts';
import type { InstanceSessions } from './instance-sessions.ts';
import { RuledStream } from './ruled-stream.ts';

export interface RuledStreamsOptions {
  readonly outbound: Outbound;
  readonly recorder: OutboundRecorder;
  readonly sessions: InstanceSessions;
  readonly pending: PendingExchanges;
  readonly hold: LoopHold;
}

/** Requests over HTTP/2 of this process to services that rules are about, as `RuledRequests` for HTTP/1.1. */
export class RuledStreams {
  readonly #options: RuledStreamsOptions;

  constructor(options: RuledStreamsOptions) {
    this.#options = options;
  }

  /** Reads requests for a host and port. */
  serve(far: InnerPipe, place: Place): void {
    const session = http2.performServerHandshake(far);
    session.on('error', () => far.destroy());
    session.on('stream', (stream, headers) => this.#take(stream, headers, place));
  }

  /** Notes on every request of a session whose it is. */
  note(session: ClientHttp2Session, begin: (headers: OutgoingHttpHeaders) => OutboundExchange): void {
    const request = session.request.bind(session) as (...args: unknown[]) => unknown;
    const noting = (headers?: unknown, ...rest: unknown[]): unknown => {
      if (Array.isArray(headers)) return request(headers, ...rest);
      const given = (headers ?? {}) as OutgoingHttpHeaders;
      return request({ ...given, [CALL_HEADER]: this.#options.pending.expect(begin(given)) }, ...rest);
    };
    Object.assign(session, { request: noting });
  }

  #take(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, place: Place): void {
    const { outbound, recorder, sessions, pending, hold } = this.#options;
    const begin = (): OutboundExchange =>
      recorder.begin({
        method: headers[':method'] ?? '',
        path: headers[':path'] ?? '',
        authority: headers[':authority'] ?? '',
      });
    const exchange = pending.take(headers[CALL_HEADER]) ?? begin();
    Reflect.deleteProperty(headers, CALL_HEADER);
    sign(headers, exchange);
    const ruled = outbound.ruled(place.host, place.port);
    if ('error' in ruled) {
      exchange.code = ruled.error.code === 'EGRESS_DENIED' ? 403 : 503;
      const body = `${ruled.error.code}: ${ruled.error.message}\n`;
      if (isGrpc(headers)) {
        const answer = grpcAnswer({ code: exchange.code, headers: [], body });
        stream.respond({ ...headersOf(answer), ':status': 200 }, { endStream: true });
      } else {
        stream.respond({ ':status': exchange.code, 'content-type': 'text/plain' });
        stream.end(body);
      }
      recorder.end(exchange, failure(exchange, ruled.error, { byCaller: false, connected: false }));
      return;
    }
    hold.begin();
    RuledStream.begin({
      stream,
      headers,
      exchange,
      ruled,
      recorder,
      send: (target, sent) => sessions.request(target, sent),
      over: () => hold.end(),
    });
  }
}

/** W3C Trace Context: the trace of the application goes on, or begins here. */
function sign(headers: IncomingHttpHeaders, exchange: OutboundExchange): void {
  const requestId = headers['x-request-id'];
  const traceparent = headers['traceparent'];
  exchange.adopt(asText(requestId), asText(traceparent));
  if (requestId === undefined) headers['x-request-id'] = requestIdOf(exchange);
  if (traceparent === undefined) headers['traceparent'] = formatTraceparent(exchange);
}

function asText(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined;
}
