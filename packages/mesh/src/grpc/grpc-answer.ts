import type { Answer } from '../inbound/request/answer.ts';

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
/** They are about a body, and there is none. */
const OF_A_BODY: ReadonlySet<string> = new Set(['content-type', 'content-length']);

/**
 * Headers of the answer that clients of gRPC understand, names in lower case and values in turn: trailers alone, sent with
 * `:status` 200 and no body. `grpc-message` says what the body would have said.
 */
export function grpcAnswer({ code, body, headers }: Pick<Answer, 'code' | 'body' | 'headers'>): string[] {
  const text = typeof body === 'string' ? body : Buffer.from(body).toString('utf8');
  const list: string[] = [];
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = (headers[index] ?? '').toLowerCase();
    if (!OF_A_BODY.has(name)) list.push(name, headers[index + 1] ?? '');
  }
  const status = String(GRPC_STATUS.get(code) ?? UNKNOWN);
  // A status that a rule names counts, whatever the one of HTTP would mean.
  const said = list.includes('grpc-status') ? [] : ['grpc-status', status];
  return [...list, 'content-type', 'application/grpc', ...said, 'grpc-message', encodeURIComponent(text.trimEnd())];
}
