import http2 from 'node:http2';
import type { OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';

import type { Answer } from '@rampart/mesh';

const OK = 200;

/** gRPC's own table for answers of proxies that speak no gRPC (grpc/doc/http-grpc-status-mapping.md). */
const GRPC_STATUS: ReadonlyMap<number, number> = new Map([
  [400, 13],
  [401, 16],
  [403, 7],
  [404, 12],
  [429, 14],
  [502, 14],
  [503, 14],
  [504, 14],
]);
const UNKNOWN = 2;

/** Answers instead of the application: to gRPC with trailers alone, which is the only answer its clients understand. */
export function replyTo(stream: ServerHttp2Stream, answer: Answer, grpc: boolean): void {
  if (stream.destroyed) return;
  if (grpc) stream.respond(grpcHeaders(answer), { endStream: true });
  else {
    stream.respond({ ...listed(answer.headers), ':status': answer.code });
    stream.end(answer.body);
  }
  // Whoever is still sending need not (RFC 9113 §8.1).
  if (!stream.endAfterHeaders) stream.close(http2.constants.NGHTTP2_NO_ERROR);
}

function grpcHeaders({ code, body, headers }: Answer): OutgoingHttpHeaders {
  const { 'content-type': _type, 'content-length': _length, ...others } = listed(headers);
  const text = typeof body === 'string' ? body : Buffer.from(body).toString('utf8');
  return {
    ...others,
    ':status': OK,
    'content-type': 'application/grpc',
    'grpc-status': String(GRPC_STATUS.get(code) ?? UNKNOWN),
    'grpc-message': encodeURIComponent(text),
  };
}

function listed(headers: readonly string[]): Record<string, string | string[]> {
  const named: Record<string, string | string[]> = {};
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = (headers[index] ?? '').toLowerCase();
    const value = headers[index + 1] ?? '';
    const before = named[name];
    named[name] = before === undefined ? value : [before, value].flat();
  }
  return named;
}
