import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';

const GRPC = /^application\/grpc(?:$|[+;])/;

export function isGrpc(headers: Pick<IncomingHttpHeaders, 'content-type'>): boolean {
  return GRPC.test(headers['content-type'] ?? '');
}

/** How a call of gRPC ended, for its record: HTTP says 200 whatever became of it. */
export function describeStatus(...blocks: readonly (OutgoingHttpHeaders | undefined)[]): string {
  const status = blocks.map((headers) => headers?.['grpc-status']).find((each) => each !== undefined);
  return status === undefined ? 'no grpc-status' : `grpc-status ${String(status).slice(0, 3)}`;
}
