import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { setTrailerStatus } from '@connectrpc/connect/protocol-grpc';
import type { NodeResponse } from '../node-handler.ts';
import { type DirectForm, namesGzip } from './direct-form.ts';

/** Each message of gRPC has before it whether it is compressed, and its length in four bytes (PROTOCOL-HTTP2.md, "Length-Prefixed-Message"). */
export const PREFIX_BYTES = 5;
const NOT_COMPRESSED = 0;
const PROTOBUF = new Set(['application/grpc', 'application/grpc+proto']);
const CONTENT_TYPE = 'application/grpc+proto';
/** Less than three hours in any unit but hours: what is longer is judged by the protocol library. */
const TIMEOUT = /^(?:\d{1,4}S|\d{1,7}m|\d{1,8}[un])$/;

/** gRPC over HTTP/2. */
export const GRPC: DirectForm = {
  besideMessage: PREFIX_BYTES,
  takes: (request) => 'stream' in request && request.method === 'POST' && isPlain(request.headers),
  message: (content) => {
    if (content.length < PREFIX_BYTES || content[0] !== NOT_COMPRESSED) return undefined;
    return content.length === PREFIX_BYTES + content.readUInt32BE(1) ? content.subarray(PREFIX_BYTES) : undefined;
  },
  takesGzip: (headers) => namesGzip(headers['grpc-accept-encoding']),
  answer: (response, header, { frame, isCompressed }) => {
    if (isCompressed) header.set('grpc-encoding', 'gzip');
    send(response, header, { frame, trailers: { 'grpc-status': '0' } });
  },
  refuse: (response, header, error) => {
    const trailer = new Headers();
    setTrailerStatus(trailer, error);
    send(response, header, { frame: undefined, trailers: Object.fromEntries(trailer) });
  },
};

function isPlain(headers: IncomingHttpHeaders): boolean {
  const timeout = headers['grpc-timeout'];
  return (
    PROTOBUF.has(headers['content-type'] ?? '') &&
    (headers['grpc-encoding'] ?? 'identity') === 'identity' &&
    headers['content-encoding'] === undefined &&
    headers['accept-signature'] === undefined &&
    (timeout === undefined || (typeof timeout === 'string' && TIMEOUT.test(timeout)))
  );
}

interface Sent {
  readonly frame: Uint8Array | undefined;
  readonly trailers: OutgoingHttpHeaders;
}

function send(response: NodeResponse, header: Headers, { frame, trailers }: Sent): void {
  response.writeHead(200, { 'content-type': CONTENT_TYPE, ...Object.fromEntries(header) });
  response.addTrailers(trailers);
  if (frame === undefined) response.end();
  else response.end(frame);
}
