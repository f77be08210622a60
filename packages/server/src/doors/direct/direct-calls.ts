import type { OutgoingHttpHeaders } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { DescMethodUnary } from '@bufbuild/protobuf';
import type { ContextValues, HandlerContext } from '@connectrpc/connect';
import { setTrailerStatus } from '@connectrpc/connect/protocol-grpc';
import type { Gate, GateContext } from '../gate.ts';
import type { NodeRequest, NodeResponse } from '../node-handler.ts';
import type { CallOutcomes } from '../outcomes/call-outcomes.ts';
import { toConnectError } from '../outcomes/connect-error.ts';
import { contentOf, directStream, onlyMessage, takesGzip } from './direct-request.ts';

/** What a method of a direct call is told beside its message. */
export type DirectContext = Pick<HandlerContext, 'values' | 'responseHeader'>;

/** An answer as it goes over the wire: protobuf, with what stands before each message of gRPC. */
export interface DirectAnswer {
  readonly frame: Uint8Array;
  /** Whether gzip made it smaller. */
  readonly isCompressed: boolean;
}

/** A unary method whose answers are encoded once for many callers. */
export interface DirectMethod {
  readonly method: DescMethodUnary;
  /** Bytes that a message may have. */
  readonly largestMessage: number;
  /** Reads the message; undefined where it is none of this method. */
  read(message: Uint8Array): DirectQuestion | undefined;
}

/** Answers a question that was read. Throws what the method would. */
export type DirectQuestion = (context: DirectContext, takesGzip: boolean) => Promise<DirectAnswer>;

export interface DirectCallsOptions {
  readonly gate: Gate;
  readonly outcomes: Pick<CallOutcomes, 'done' | 'failed'>;
  readonly methods: readonly DirectMethod[];
}

/** What became of a call: it was answered, or it is for the protocol library, with the content that was read. */
export type DirectOutcome = { readonly kind: 'answered' } | { readonly kind: 'unusual'; readonly content: Buffer };

const ANSWERED: DirectOutcome = { kind: 'answered' };
const CONTENT_TYPE = 'application/grpc+proto';

/**
 * Calls of gRPC that pass by the protocol library, which makes a web request and response, a dozen promises and as many streams of each:
 * four times as much as the rest of a call that is answered from memory. The gate, the limits, the counters and the words of refusals
 * are the same. Whatever is unusual about a call is left to the library.
 */
export class DirectCalls {
  readonly #options: DirectCallsOptions;
  readonly #methods: ReadonlyMap<string, DirectMethod>;

  constructor(options: DirectCallsOptions) {
    this.#options = options;
    this.#methods = new Map(options.methods.map((direct) => [pathOf(direct.method), direct]));
  }

  /** Takes a call over; undefined when it is none of these. */
  take({ request, response, values }: TakenCall): Promise<DirectOutcome> | undefined {
    const direct = this.#methods.get(request.url ?? '');
    const stream = direct === undefined ? undefined : directStream(request);
    return direct === undefined || stream === undefined
      ? undefined
      : this.#serve(direct, { request, response, stream, values });
  }

  async #serve(direct: DirectMethod, call: DirectCall): Promise<DirectOutcome> {
    const { stream, request, response, values } = call;
    const { method, largestMessage } = direct;
    const requestHeader = authorizationOf(request);
    const context: GateContext = { service: method.parent, method, values, requestHeader };
    try {
      await this.#options.gate(context);
    } catch (error) {
      return refuse(response, new Headers(), toConnectError(error));
    }
    const content = await contentOf(stream, largestMessage);
    if (content === undefined) return ANSWERED;
    const message = onlyMessage(content);
    const question = message === undefined ? undefined : direct.read(message);
    if (question === undefined) return { kind: 'unusual', content };
    return this.#answer(question, call, `${method.parent.typeName}/${method.name}`);
  }

  async #answer(
    question: DirectQuestion,
    { request, response, values }: DirectCall,
    name: string,
  ): Promise<DirectOutcome> {
    const { outcomes } = this.#options;
    const responseHeader = new Headers();
    try {
      const { frame, isCompressed } = await question({ values, responseHeader }, takesGzip(request.headers));
      outcomes.done(name);
      if (isCompressed) responseHeader.set('grpc-encoding', 'gzip');
      send(response, { header: responseHeader, frame, trailers: { 'grpc-status': '0' } });
      return ANSWERED;
    } catch (error) {
      return refuse(response, responseHeader, outcomes.failed(name, error));
    }
  }
}

/** A call as it comes to the door. */
export interface TakenCall {
  readonly request: NodeRequest;
  readonly response: NodeResponse;
  readonly values: ContextValues;
}

interface DirectCall extends TakenCall {
  readonly stream: ServerHttp2Stream;
}

function pathOf({ parent, name }: DescMethodUnary): string {
  return `/${parent.typeName}/${name}`;
}

/** The one header that the gate looks at. */
function authorizationOf({ headers }: NodeRequest): Headers {
  const { authorization } = headers;
  return new Headers(authorization === undefined ? undefined : { authorization });
}

function refuse(response: NodeResponse, header: Headers, error: ReturnType<typeof toConnectError>): DirectOutcome {
  const trailer = new Headers();
  setTrailerStatus(trailer, error);
  send(response, { header, frame: undefined, trailers: Object.fromEntries(trailer) });
  return ANSWERED;
}

interface Sent {
  readonly header: Headers;
  readonly frame: Uint8Array | undefined;
  readonly trailers: OutgoingHttpHeaders;
}

function send(response: NodeResponse, { header, frame, trailers }: Sent): void {
  // The caller went away meanwhile.
  if (response.destroyed || response.headersSent) return;
  response.writeHead(200, { 'content-type': CONTENT_TYPE, ...Object.fromEntries(header) });
  response.addTrailers(trailers);
  if (frame === undefined) response.end();
  else response.end(frame);
}
