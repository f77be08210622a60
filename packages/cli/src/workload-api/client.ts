import { connect } from 'node:net';
import { type Client, Code, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { RampartError } from '@rampart/core';
import { readingAhead } from '@rampart/wire/reading-ahead';
import { SpiffeWorkloadAPI } from '@rampart/wire/workload-api';

export type WorkloadApi = Client<typeof SpiffeWorkloadAPI>;

const ORIGIN = 'http://localhost';

/** Calls the Workload API on a Unix socket as any workload would; the connection is closed when `work` ends. */
export async function callWorkloadApi<T>(socketPath: string, work: (api: WorkloadApi) => Promise<T>): Promise<T> {
  const sessionManager = readingAhead(
    new Http2SessionManager(ORIGIN, {}, { createConnection: () => connect(socketPath) }),
  );
  const transport = createGrpcTransport({
    baseUrl: ORIGIN,
    sessionManager,
    interceptors: [
      (next) => (request) => {
        request.header.set('workload.spiffe.io', 'true');
        return next(request);
      },
    ],
  });
  try {
    return await work(createClient(SpiffeWorkloadAPI, transport));
  } catch (cause) {
    throw cause instanceof ConnectError ? failureOf(cause, socketPath) : cause;
  } finally {
    sessionManager.abort();
  }
}

function failureOf(failure: ConnectError, socketPath: string): RampartError {
  const message = failure.rawMessage;
  if (failure.code === Code.PermissionDenied) return new RampartError('PERMISSION_DENIED', message, { cause: failure });
  if (failure.code === Code.InvalidArgument) return new RampartError('INVALID_ARGUMENT', message, { cause: failure });
  // A connection that could not be made is told as a system error; an agent says what it means itself.
  const errno = /\b(?:ENOENT|ECONNREFUSED|EACCES|ENOTSOCK|ECONNRESET)\b/.exec(message)?.[0];
  if (failure.code === Code.Unavailable && errno === undefined) {
    return new RampartError('IDENTITY_NOT_READY', message, { cause: failure });
  }
  return new RampartError(
    'UPSTREAM_UNREACHABLE',
    `no agent answers at ${socketPath} (${errno ?? message}); start one with "rampart agent", or say where it is with --socket`,
    { cause: failure },
  );
}
