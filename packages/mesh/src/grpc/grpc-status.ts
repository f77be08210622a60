import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

const GRPC = /^application\/grpc(?:$|[+;])/;

/** Whether a message is one of gRPC, by its content type; gRPC-Web is another protocol. */
export function isGrpc(headers: Pick<IncomingHttpHeaders, 'content-type'>): boolean {
  return GRPC.test(headers['content-type'] ?? '');
}

/**
 * How a call of gRPC ended, for its record: HTTP says 200 whatever became of it. Told by its trailers, or by its headers where
 * it has nothing else.
 */
export function describeStatus(...blocks: readonly (OutgoingHttpHeaders | undefined)[]): string {
  const status = blocks.map((headers) => headers?.['grpc-status']).find((each) => each !== undefined);
  return describeGrpcStatus(status === undefined ? undefined : String(status));
}

/** "grpc-status 5" */
export function describeGrpcStatus(status: string | undefined): string {
  return status === undefined ? 'no grpc-status' : `${DESCRIBED}${status.slice(0, 3)}`;
}

const DESCRIBED = 'grpc-status ';

/** The number in what `describeGrpcStatus` made; "" for any other text. */
export function describedGrpcStatus(text: string): string {
  return text.startsWith(DESCRIBED) ? text.slice(DESCRIBED.length) : '';
}
