import http2 from 'node:http2';
import type { ServerHttp2Stream } from 'node:http2';

import { grpcAnswer } from '@rampart/mesh';
import type { Answer } from '@rampart/mesh';

const OK = 200;

/** Answers instead of the application: to gRPC with trailers alone, which is the only answer its clients understand. */
export function replyTo(stream: ServerHttp2Stream, answer: Answer, grpc: boolean): void {
  if (stream.destroyed) return;
  if (grpc) stream.respond({ ...listed(grpcAnswer(answer)), ':status': OK }, { endStream: true });
  else {
    stream.respond({ ...listed(answer.headers), ':status': answer.code });
    stream.end(answer.body);
  }
  // Whoever is still sending need not (RFC 9113 §8.1).
  if (!stream.endAfterHeaders) stream.close(http2.constants.NGHTTP2_NO_ERROR);
}

function listed(headers: readonly string[]): Record<string, string | string[]> {
  // A header may be called "constructor".
  const named = Object.create(null) as Record<string, string | string[]>;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = (headers[index] ?? '').toLowerCase();
    const value = headers[index + 1] ?? '';
    const before = named[name];
    named[name] = before === undefined ? value : [before, value].flat();
  }
  return named;
}
