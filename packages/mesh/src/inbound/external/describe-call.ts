import type { IncomingMessage } from 'node:http';

import type { InboundConnection } from '../connection.ts';
import type { AuthorizerCall } from './call.ts';
import { peekBody } from './request-body.ts';

export interface CallCircumstances {
  /** As recorded; "" where the one that the application gets is meant. */
  readonly requestId: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
  /** SPIFFE ID of this workload; "" when it has none yet. */
  readonly ownPrincipal: string;
  /** True for a request that turns the connection into something else: what follows is no body. */
  readonly upgrade: boolean;
  /** Tells a caller that waits for it (`Expect: 100-continue`) to send its body; undefined where nobody waits. */
  readonly invite: (() => void) | undefined;
  readonly signal: AbortSignal;
}

/** What an authorizer is told about a request, after normalisation and with forged claims dropped. */
export function describeCall(
  connection: InboundConnection,
  request: IncomingMessage,
  circumstances: CallCircumstances,
): AuthorizerCall {
  const { sourceIp, destinationIp, destinationPort } = connection.attributes;
  const { requestId, startedAt, ownPrincipal, invite, signal } = circumstances;
  const hasBody = request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length']) > 0;
  return {
    source: { principal: connection.sourcePrincipal, address: sourceIp, port: connection.socket.remotePort ?? 0 },
    destination: { principal: ownPrincipal, address: destinationIp, port: destinationPort },
    http: {
      requestId: requestId === '' ? String(request.headers['x-request-id'] ?? '') : requestId,
      startedAt,
      method: request.method ?? '',
      target: request.url ?? '',
      host: request.headers.host ?? '',
      scheme: 'http',
      protocol: `HTTP/${request.httpVersion}`,
      rawHeaders: request.rawHeaders,
      peekBody:
        hasBody && !circumstances.upgrade
          ? (limit: number, until: AbortSignal) => {
              invite?.();
              return peekBody(request, limit, until);
            }
          : undefined,
    },
    signal,
  };
}
