import type { ExtAuthzProvider } from '@rampart/core';

import { failed, unaskable } from '../answer.ts';
import type { Reply, UnaskableReply } from '../answer.ts';
import type { Check, CheckTransport, ConnectToAuthorizer } from '../transport.ts';
import { hostOf } from '../provider.ts';
import { AuthorizerSession } from './authorizer-session.ts';
import { encodeCheckRequest } from './check-request.ts';
import { decodeCheckResponse } from './check-response.ts';
import { timeoutHeader } from './grpc-message.ts';
import { callUnary } from './unary-call.ts';
import type { UnaryAnswer } from './unary-call.ts';

const MAX_ATTEMPTS = 3;
const PATH = '/envoy.service.auth.v3.Authorization/Check';

/** Asks over gRPC (Istio `envoyExtAuthzGrpc`). */
export class GrpcCheckTransport implements CheckTransport {
  readonly #session: AuthorizerSession;
  readonly #authority: string;

  constructor({ service, port }: ExtAuthzProvider, connect: ConnectToAuthorizer) {
    this.#authority = hostOf(service);
    this.#session = new AuthorizerSession(() => connect(this.#authority, port));
  }

  async check(check: Check): Promise<Reply | UnaskableReply> {
    const message = encoded(check);
    if ('reason' in message) return message;
    const answer = await this.#ask(check, message);
    if (answer.kind !== 'message') return failed(answer.reason);
    try {
      return decodeCheckResponse(answer.message);
    } catch {
      return failed('its answer is no CheckResponse');
    }
  }

  /** A gRPC authorizer is shown every header: there is none that it has not seen. */
  distrust(): never[] {
    return [];
  }

  close(): void {
    this.#session.retire();
  }

  async #ask(check: Check, message: Uint8Array): Promise<UnaryAnswer> {
    const headers = {
      ':method': 'POST',
      ':path': PATH,
      ':authority': this.#authority,
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-timeout': timeoutHeader(check.provider.timeoutMs),
      'user-agent': 'rampart',
    };
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.#once(check, { headers, message, signal: check.signal });
      if (answer.kind !== 'retry') return answer;
      if (attempt === MAX_ATTEMPTS) return failed(answer.reason);
    }
  }

  async #once(
    { signal }: Check,
    request: Parameters<typeof callUnary>[1],
  ): Promise<UnaryAnswer | { readonly kind: 'retry'; readonly reason: string }> {
    const { session, used } = this.#session.open();
    try {
      const answer = await callUnary(session, request);
      // A check changes nothing, so one that met a connection about to close is asked again on a new one.
      if (answer.kind === 'unanswered') this.#session.retire(session);
      return answer.kind === 'unanswered' && used ? { kind: 'retry', reason: answer.reason } : answer;
    } catch (error) {
      // Whether the server is slow or the connection dead, nobody can tell: the next check finds out on a new one.
      if (signal.aborted) this.#session.retire(session);
      throw error;
    }
  }
}

function encoded(check: Check): Uint8Array | UnaskableReply {
  try {
    return encodeCheckRequest(check);
  } catch (error) {
    return unaskable(error instanceof Error ? error.message : 'it cannot be written as a CheckRequest');
  }
}
