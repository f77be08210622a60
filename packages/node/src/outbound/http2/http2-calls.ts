import http2 from 'node:http2';
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  IncomingHttpHeaders,
  IncomingHttpStatusHeader,
  OutgoingHttpHeaders,
} from 'node:http2';

import { COMPLETE, describeStatus, failure, formatTraceparent, isGrpc } from '@rampart/mesh';
import type { Ending, Outbound, OutboundExchange, OutboundRecorder, Target } from '@rampart/mesh';

import { countStream } from '../../http2/stream-bytes.ts';

/** One request on a session, and what was heard of it so far. */
interface Call {
  readonly exchange: OutboundExchange;
  readonly target: Target;
  readonly stream: ClientHttp2Stream;
  isGrpc: boolean;
  answered: IncomingHttpHeaders | undefined;
  trailers: IncomingHttpHeaders | undefined;
}

/** Follows requests over HTTP/2 from their beginning to the record of their end. */
export class Http2Calls {
  readonly #outbound: Outbound;
  readonly #recorder: OutboundRecorder;

  constructor(outbound: Outbound, recorder: OutboundRecorder) {
    this.#outbound = outbound;
    this.#recorder = recorder;
  }

  follow(session: ClientHttp2Session, target: Target): void {
    const request = session.request.bind(session) as (...args: unknown[]) => ClientHttp2Stream;
    const following = (headers?: unknown, ...rest: unknown[]): ClientHttp2Stream => {
      // A list of names and values is already rendered: such requests get their id at the other end.
      const given = Array.isArray(headers) ? {} : ((headers ?? {}) as OutgoingHttpHeaders);
      const exchange = this.begin(given);
      exchange.target = target;
      const stream = request(Array.isArray(headers) ? headers : withTrace(given, exchange), ...rest);
      this.#follow({ exchange, target, stream, isGrpc: false, answered: undefined, trailers: undefined });
      return stream;
    };
    Object.assign(session, { request: following });
  }

  /** A request that is being made, and whose it is. */
  begin(headers: OutgoingHttpHeaders): OutboundExchange {
    const exchange = this.#recorder.begin({
      method: textOf(headers[':method']) ?? 'GET',
      path: textOf(headers[':path']) ?? '/',
      authority: textOf(headers[':authority']) ?? textOf(headers['host']) ?? '',
    });
    exchange.userAgent = textOf(headers['user-agent']) ?? '';
    exchange.adopt(textOf(headers['x-request-id']), textOf(headers['traceparent']));
    return exchange;
  }

  #follow(call: Call): void {
    const { exchange, stream, target } = call;
    const { picker } = this.#outbound.plane;
    const bytes = countStream(stream);
    picker.started(target.endpoint);
    stream.on('response', (headers: IncomingHttpHeaders & IncomingHttpStatusHeader) => {
      exchange.code = headers[':status'] ?? 0;
      call.answered = headers;
      call.isGrpc = isGrpc(headers);
    });
    stream.on('trailers', (trailers: IncomingHttpHeaders) => {
      call.trailers = trailers;
    });
    stream.once('close', () => {
      picker.finished(target.endpoint);
      exchange.bytesSent = bytes.sent;
      exchange.bytesReceived = bytes.received;
      this.#recorder.end(exchange, endingOf(call));
    });
  }
}

function withTrace(headers: OutgoingHttpHeaders, exchange: OutboundExchange): OutgoingHttpHeaders {
  return {
    ...headers,
    ...(headers['x-request-id'] === undefined && exchange.requestId !== ''
      ? { 'x-request-id': exchange.requestId }
      : {}),
    ...(headers['traceparent'] === undefined ? { traceparent: formatTraceparent(exchange) } : {}),
  };
}

function endingOf({ exchange, stream, isGrpc: grpc, answered, trailers }: Call): Ending {
  const { NGHTTP2_NO_ERROR, NGHTTP2_CANCEL } = http2.constants;
  const { rstCode, errored } = stream;
  if (rstCode === NGHTTP2_NO_ERROR && errored === null && exchange.code !== 0) {
    return grpc ? { ...COMPLETE, reason: describeStatus(trailers, answered) } : COMPLETE;
  }
  const byCaller = rstCode === NGHTTP2_CANCEL;
  const reason = errored ?? new Error(`the stream ended with code ${rstCode ?? 0} of HTTP/2`);
  return failure(exchange, reason, { byCaller, connected: exchange.code !== 0 });
}

function textOf(value: OutgoingHttpHeaders[string]): string | undefined {
  return value === undefined ? undefined : String(value);
}
