import type { IncomingHttpHeaders } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { NodeRequest } from '../node-handler.ts';

/** Each message of gRPC has before it whether it is compressed, and its length in four bytes (PROTOCOL-HTTP2.md, "Length-Prefixed-Message"). */
const PREFIX_BYTES = 5;
const NOT_COMPRESSED = 0;
const PROTOBUF = new Set(['application/grpc', 'application/grpc+proto']);
/** Less than three hours in any unit but hours: what is longer is judged by the protocol library. */
const TIMEOUT = /^(?:\d{1,4}S|\d{1,7}m|\d{1,8}[un])$/;

/** The stream of a request that is gRPC over HTTP/2 with protobuf and asks for nothing beside its answer; undefined for any other. */
export function directStream(request: NodeRequest): ServerHttp2Stream | undefined {
  if (!('stream' in request) || request.method !== 'POST' || !isPlain(request.headers)) return undefined;
  return request.stream;
}

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

/** A content as far as anybody needs it: what is beyond `most` bytes of a message is not read. Undefined when the caller went away in it. */
export function contentOf(stream: ServerHttp2Stream, most: number): Promise<Buffer | undefined> {
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  const chunks: Buffer[] = [];
  let length = 0;
  const end = (): void => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
  if (stream.destroyed) resolve(undefined);
  const keep = (chunk: Buffer): void => {
    chunks.push(chunk);
    length += chunk.length;
    if (length <= most + PREFIX_BYTES) return;
    stream.off('data', keep).pause();
    // What nobody wants is let go once it is answered, so that the stream comes to its end.
    stream.once('finish', () => stream.resume());
    end();
  };
  stream.on('data', keep);
  stream.once('end', end);
  stream.once('close', () => resolve(undefined));
  return promise;
}

/** The one message of a content; undefined where that is anything else. */
export function onlyMessage(content: Buffer): Buffer | undefined {
  if (content.length < PREFIX_BYTES || content[0] !== NOT_COMPRESSED) return undefined;
  return content.length === PREFIX_BYTES + content.readUInt32BE(1) ? content.subarray(PREFIX_BYTES) : undefined;
}

/** Whether a caller takes answers that gzip made smaller. */
export function takesGzip(headers: IncomingHttpHeaders): boolean {
  return String(headers['grpc-accept-encoding'] ?? '')
    .split(',')
    .some((name) => name.trim() === 'gzip');
}
