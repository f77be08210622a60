import type { OutgoingHttpHeaders } from 'node:http';
import type { Http2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { Code, ConnectError, type ConnectRouter, createConnectRouter, createContextValues } from '@connectrpc/connect';
import { compressionGzip, universalRequestFromNodeRequest } from '@connectrpc/connect-node';
import { type Clock, type ErrorCode, RampartError } from '@rampart/core';
import { withReadableStatus } from '@rampart/wire/grpc-status';
import type { ApiTokens } from '../admin/api-tokens/api-tokens.ts';
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { accessOf } from './access.ts';
import { type DirectMethod, DirectCalls } from './direct/direct-calls.ts';
import { only } from './outcomes/body.ts';
import { callOutcomes, CallOutcomes } from './outcomes/call-outcomes.ts';
import { type Connection, setConnection } from './caller.ts';
import { createTokenEnd } from './outcomes/token-end.ts';
import { toConnectError } from './outcomes/connect-error.ts';
import { ERROR_CODE_METADATA } from './outcomes/error-code-metadata.ts';
import { answeredPlainly } from './outcomes/unread-call.ts';
import type { DocumentDesk } from './documents/public-documents.ts';
import type { Gate, Refusal } from './gate.ts';
import { plainAddress } from './limits/network-of.ts';
import type { NodeHandler, NodeRequest, NodeResponse } from './node-handler.ts';
import type { PeerVerifier } from './peer.ts';
import { openLane } from './streams/encoded-lane.ts';
import { cutUnread, cutWhenLate } from './unread-request.ts';
import { writeAnswer } from './written-answer.ts';
import type { SignedAnswers } from './signing/signed-answers.ts';

export interface ApiHandlerOptions {
  readonly gate: Gate;
  /** Whose streams end with them. */
  readonly apiTokens: ApiTokens;
  readonly verifier: PeerVerifier;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** What anybody may read. */
  readonly documents: DocumentDesk;
  readonly signedAnswers: SignedAnswers;
  /** Aborted when the control plane stops: streams end, calls that are running are told. */
  readonly shutdown: AbortSignal;
  /** Told of every call whose message could not be read: too large, or no message of the method. */
  unread(refusal: Refusal): void;
  routes(router: ConnectRouter): void;
  /** Methods that are also routes, and answer unary calls of gRPC and Connect without the protocol library. */
  readonly direct: readonly DirectMethod[];
}

const LONGEST_CALL_MS = 24 * 60 * 60 * 1000;
const LARGEST_ANSWER_BYTES = 64 * 1024 * 1024;
/** Unless a service says otherwise. */
export const LARGEST_MESSAGE_BYTES: number = 64 * 1024;
/** Certificates and tokens do not get smaller, and what is secret should not be compressed beside what a caller chose. */
export const SMALLEST_COMPRESSED_BYTES: number = 16 * 1024;

/** Serves the API in all of its protocols (gRPC, gRPC-web, Connect) on a Node server. */
export function createApiHandler(options: ApiHandlerOptions): NodeHandler {
  const { gate, log, clock } = options;
  const outcomes = new CallOutcomes(options);
  const direct = new DirectCalls({ gate, outcomes, methods: options.direct });
  const router = createConnectRouter({
    acceptCompression: [compressionGzip],
    compressMinBytes: SMALLEST_COMPRESSED_BYTES,
    readMaxBytes: LARGEST_MESSAGE_BYTES,
    writeMaxBytes: LARGEST_ANSWER_BYTES,
    maxTimeoutMs: LONGEST_CALL_MS,
    // Who writes "dryrun" for "dryRun" must not have it applied.
    jsonOptions: { ignoreUnknownFields: false },
    shutdownSignal: options.shutdown,
    interceptors: [callOutcomes(outcomes), createTokenEnd(options.apiTokens)],
    requestGate: async (context) => {
      try {
        await gate(context);
      } catch (error) {
        throw toConnectError(error);
      }
    },
  });
  options.routes(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  return (request, response) => {
    cutUnread(request, response);
    const handler = handlers.get(request.url?.split('?', 1)[0] ?? '');
    if (handler === undefined) {
      if (!options.documents(request, response)) refuseUnknown(request, response);
      return;
    }
    writeReadableStatus(response);
    const values = createContextValues();
    const connection = connectionOfRequest(request, options.verifier);
    setConnection(values, connection);
    openLane(values, request, response);
    const method = handler.requestPath.slice(1);
    const unread = ({ metadata, rawMessage }: ConnectError): void => {
      const code = (metadata.get(ERROR_CODE_METADATA) ?? 'INVALID_ARGUMENT') as ErrorCode;
      const { remoteAddress } = connection;
      options.unread({ method, remoteAddress, error: new RampartError(code, rawMessage) });
    };
    if (accessOf(method) === 'anyone') cutWhenLate(response, clock);
    const answer = async (content?: Buffer): Promise<void> => {
      const asked = universalRequestFromNodeRequest(request, response, null, values);
      // The request is its own body: the protocol library's way through a generator keeps each call in memory until all of it is swept.
      const body = content === undefined ? request : only(content);
      const answered = await answeredPlainly(await options.signedAnswers.to({ ...asked, body }, handler), unread);
      await writeAnswer(answered, response);
    };
    const taken = direct.take({ request, response, values });
    const done =
      taken === undefined
        ? answer()
        : taken.then((outcome) => (outcome.kind === 'answered' ? undefined : answer(outcome.content)));
    done.catch((error: unknown) => {
      // The other end went away in the middle; what went wrong on our side was logged where it did.
      log.debug({ method: handler.requestPath, error }, 'a call ended early');
      response.destroy();
    });
  };
}

/** What the protocol library writes as trailers is made readable on its way out. */
function writeReadableStatus(response: NodeResponse): void {
  const addTrailers = response.addTrailers.bind(response);
  response.addTrailers = (trailers: OutgoingHttpHeaders) => addTrailers(withReadableStatus(trailers));
}

function connectionOfRequest(request: NodeRequest, verifier: PeerVerifier): Connection {
  const session: Http2Session | undefined = 'stream' in request ? request.stream.session : undefined;
  // Node hands out a proxy of an HTTP/2 session's socket; it forwards everything a TLS socket is asked here.
  const socket = (session?.socket ?? request.socket) as TLSSocket;
  return {
    remoteAddress: plainAddress(socket.remoteAddress ?? ''),
    peer: () => verifier.verify(socket),
    destroy: () => (session === undefined ? socket.destroy() : session.destroy()),
  };
}

function refuseUnknown(request: NodeRequest, response: NodeResponse): void {
  const error = new ConnectError(`there is no ${request.url?.split('?', 1)[0] ?? ''} here`, Code.Unimplemented);
  response.writeHead(404, { 'content-type': 'application/json', [ERROR_CODE_METADATA]: 'NOT_FOUND' });
  response.end(JSON.stringify({ code: 'unimplemented', message: error.rawMessage }));
}
