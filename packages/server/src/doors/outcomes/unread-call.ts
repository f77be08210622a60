import { Code, ConnectError } from '@connectrpc/connect';
import type { UniversalServerResponse } from '@connectrpc/connect/protocol';
import { codeToHttpStatus, errorFromJsonBytes, errorToJsonBytes } from '@connectrpc/connect/protocol-connect';
import { findTrailerError, setTrailerStatus } from '@connectrpc/connect/protocol-grpc';
import type { ErrorCode } from '@rampart/core';
import { bytesOf, only } from './body.ts';
import { ERROR_CODE_METADATA } from './error-code-metadata.ts';

/** What the protocol library calls a message that it could not read, and what that is to its sender. */
const PLAIN: readonly {
  readonly said: RegExp;
  readonly code: Code;
  readonly name: ErrorCode;
  message(found: RegExpExecArray): string;
}[] = [
  {
    said: /^parse binary: (.*)/s,
    code: Code.InvalidArgument,
    name: 'INVALID_ARGUMENT',
    message: ([, reason = '']) => `the message is not the protobuf that this method takes: ${reason}`,
  },
  {
    said: /readMaxBytes (\d+)/,
    code: Code.ResourceExhausted,
    name: 'DOCUMENT_TOO_LARGE',
    message: ([, most = '']) => `the message is larger than the ${most} bytes that this method takes`,
  },
  {
    said: /^decompression failed/,
    code: Code.InvalidArgument,
    name: 'INVALID_ARGUMENT',
    message: () => 'the message is not compressed in the way that its headers say',
  },
  {
    said: /^(?:protocol error|unknown compression)/,
    code: Code.Unimplemented,
    name: 'INVALID_ARGUMENT',
    message: ({ input }) => input,
  },
  {
    said: /^cannot decode /,
    code: Code.InvalidArgument,
    name: 'INVALID_ARGUMENT',
    message: ({ input }) => input,
  },
];

/** The error in words and under a code of ours, where it is about a message that could not be read; else as it is. */
export function plainly(error: ConnectError): ConnectError {
  if (error.metadata.has(ERROR_CODE_METADATA)) return error;
  for (const { said, code, name, message } of PLAIN) {
    const found = said.exec(error.rawMessage);
    if (found === null) continue;
    const told = error.code === Code.InvalidArgument ? error.code : code;
    return new ConnectError(message(found), told, { [ERROR_CODE_METADATA]: name });
  }
  return error;
}

/**
 * The answer to a call that was refused before any of our code ran, because its message could not be read: unary calls
 * of Connect have the error in their body, those of gRPC in their trailers. `unread` is told of it.
 */
export async function answeredPlainly(
  answer: UniversalServerResponse,
  unread: (error: ConnectError) => void,
): Promise<UniversalServerResponse> {
  const { status, header, trailer } = answer;
  if (status === 200) {
    const error = trailer === undefined ? undefined : findTrailerError(trailer);
    const told = error === undefined ? undefined : plainly(error);
    if (trailer !== undefined && told !== undefined && told !== error) {
      setTrailerStatus(trailer, told);
      unread(told);
    }
    return answer;
  }
  if (header?.has(ERROR_CODE_METADATA) === true) return answer;
  const body = await bytesOf(answer.body);
  const error =
    body.byteLength === 0 ? withoutWords(status) : errorFromJsonBytes(body, undefined, withoutWords(status));
  const told = plainly(error);
  if (told !== error) unread(told);
  return { ...answer, ...asJson(told, body.byteLength === 0 ? status : codeToHttpStatus(told.code)) };
}

function asJson(error: ConnectError, status: number): UniversalServerResponse {
  const body = errorToJsonBytes(error, undefined);
  const header = new Headers(error.metadata);
  header.set('content-type', 'application/json');
  header.set('content-length', String(body.byteLength));
  return { status, header, body: only(body) };
}

/** What the library answers with a status alone. */
function withoutWords(status: number): ConnectError {
  const message =
    status === 415
      ? 'this content type is not taken: send application/json or application/proto, application/connect+json or application/connect+proto to a stream'
      : 'this is no call of the API: send it with POST';
  return new ConnectError(message, Code.InvalidArgument, { [ERROR_CODE_METADATA]: 'INVALID_ARGUMENT' });
}
