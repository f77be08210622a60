import type { InboundConnection } from '../connection.ts';
import type { RequestMessage } from '../request/message.ts';
import type { AuthorizerCall, BodyPeek } from './call.ts';

export interface CallCircumstances {
  /** As recorded; "" where the one that the application gets is meant. */
  readonly requestId: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
  /** SPIFFE ID of this workload; "" when it has none yet. */
  readonly ownPrincipal: string;
  /** Reads ahead in the body; undefined where there is none. */
  readonly peekBody: ((limit: number, signal: AbortSignal) => Promise<BodyPeek>) | undefined;
  readonly signal: AbortSignal;
}

/** What an authorizer is told about a request, after normalisation and with forged claims dropped. */
export function describeCall(
  connection: InboundConnection,
  request: RequestMessage,
  circumstances: CallCircumstances,
): AuthorizerCall {
  const { client, sourcePrincipal } = connection;
  const { destinationIp, destinationPort } = connection.attributes;
  const { requestId, startedAt, ownPrincipal, peekBody, signal } = circumstances;
  return {
    source: { principal: sourcePrincipal, ...client },
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
      peekBody,
    },
    signal,
  };
}
