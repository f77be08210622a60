import type {
  ClientHttp2Session,
  IncomingHttpHeaders,
  IncomingHttpStatusHeader,
  OutgoingHttpHeaders,
} from 'node:http2';
import http2 from 'node:http2';

import { MAX_ANSWER_BYTES } from '../transport.ts';
import { reasonOf } from '../patience.ts';
import { describeStatus, frameMessage, SUCCESS, unframeMessage } from './grpc-message.ts';

export interface UnaryRequest {
  readonly headers: OutgoingHttpHeaders;
  readonly message: Uint8Array;
  readonly signal: AbortSignal;
}

export type UnaryAnswer =
  | { readonly kind: 'message'; readonly message: Uint8Array }
  | { readonly kind: 'failed'; readonly reason: string }
  /** Ended before a word of an answer: on a connection that was open before, the server may never have seen it. */
  | { readonly kind: 'unanswered'; readonly reason: string };

/** One gRPC call with one message each way. Rejects only when aborted. */
export function callUnary(session: ClientHttp2Session, request: UnaryRequest): Promise<UnaryAnswer> {
  return new Promise((resolve, reject) => {
    const stream = session.request(request.headers, { signal: request.signal });
    const chunks: Buffer[] = [];
    let length = 0;
    let head: (IncomingHttpHeaders & IncomingHttpStatusHeader) | undefined;
    let trailers: IncomingHttpHeaders = {};
    let problem = '';
    stream.on('response', (headers) => {
      head = headers;
    });
    stream.on('trailers', (headers: IncomingHttpHeaders) => {
      trailers = headers;
    });
    stream.on('data', (chunk: Buffer) => {
      length += chunk.length;
      chunks.push(chunk);
      if (length <= MAX_ANSWER_BYTES) return;
      problem = `its answer is larger than ${MAX_ANSWER_BYTES} bytes`;
      stream.close(http2.constants.NGHTTP2_CANCEL);
    });
    stream.on('error', (error: Error) => {
      problem ||= error.message;
    });
    stream.on('close', () => {
      const { signal } = request;
      if (signal.aborted) reject(reasonOf(signal));
      else if (head === undefined) resolve({ kind: 'unanswered', reason: problem || closedWith(stream.rstCode) });
      else if (problem !== '' || !isClean(stream.rstCode)) {
        resolve({ kind: 'failed', reason: problem || closedWith(stream.rstCode) });
      } else resolve(readAnswer({ ...head, ...trailers }, Buffer.concat(chunks)));
    });
    stream.end(frameMessage(request.message));
  });
}

function isClean(code: number | undefined): boolean {
  return code === undefined || code === http2.constants.NGHTTP2_NO_ERROR;
}

function closedWith(code: number | undefined): string {
  return isClean(code) ? 'it closed the connection without an answer' : `it reset the call with HTTP/2 code ${code}`;
}

/** `headers` are those of the head with those of the end over them: an answer without a message has only a head. */
function readAnswer(headers: IncomingHttpHeaders & IncomingHttpStatusHeader, body: Buffer): UnaryAnswer {
  if (headers[':status'] !== 200) return { kind: 'failed', reason: `it answered HTTP ${headers[':status'] ?? 0}` };
  const type = headers['content-type'] ?? '';
  if (!type.startsWith('application/grpc'))
    return { kind: 'failed', reason: `it answered ${type || 'no type'}, not gRPC` };
  const status = headers['grpc-status'];
  if (typeof status !== 'string') return { kind: 'failed', reason: 'its answer ended without a gRPC status' };
  if (status !== SUCCESS) {
    return { kind: 'failed', reason: describeStatus(status, String(headers['grpc-message'] ?? '')) };
  }
  const unframed = unframeMessage(body);
  if ('message' in unframed) return { kind: 'message', message: unframed.message };
  return { kind: 'failed', reason: unframed.problem };
}
