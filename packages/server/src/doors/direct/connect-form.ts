import type { IncomingHttpHeaders } from 'node:http';
import { codeToHttpStatus, errorToJsonBytes } from '@connectrpc/connect/protocol-connect';
import type { NodeResponse } from '../node-handler.ts';
import { type DirectForm, namesGzip } from './direct-form.ts';
import { PREFIX_BYTES } from './grpc-form.ts';

const PROTOBUF = 'application/proto';
const JSON_TEXT = 'application/json';
/** Milliseconds, less than three hours: what is longer, or none, is judged by the protocol library. */
const TIMEOUT = /^\d{1,7}$/;

/** Unary calls of Connect, over HTTP/1.1 and HTTP/2 (connectrpc.com/docs/protocol, "Unary (Request-Response) RPCs"). */
export const CONNECT: DirectForm = {
  besideMessage: 0,
  takes: (request) => request.method === 'POST' && isPlain(request.headers),
  message: (content) => content,
  takesGzip: (headers) => namesGzip(headers['accept-encoding']),
  answer: (response, header, { frame, isCompressed }) => {
    header.set('content-type', PROTOBUF);
    if (isCompressed) header.set('content-encoding', 'gzip');
    send(response, header, { status: 200, content: frame.subarray(PREFIX_BYTES) });
  },
  refuse: (response, header, error) => {
    header.set('content-type', JSON_TEXT);
    for (const [name, value] of error.metadata) header.append(name, value);
    send(response, header, { status: codeToHttpStatus(error.code), content: errorToJsonBytes(error, undefined) });
  },
};

function isPlain(headers: IncomingHttpHeaders): boolean {
  const timeout = headers['connect-timeout-ms'];
  return (
    headers['content-type'] === PROTOBUF &&
    headers['content-encoding'] === undefined &&
    headers['accept-signature'] === undefined &&
    (timeout === undefined || (typeof timeout === 'string' && TIMEOUT.test(timeout)))
  );
}

interface Sent {
  readonly status: number;
  readonly content: Uint8Array;
}

function send(response: NodeResponse, header: Headers, { status, content }: Sent): void {
  header.set('content-length', String(content.byteLength));
  response.writeHead(status, Object.fromEntries(header));
  response.end(content);
}
