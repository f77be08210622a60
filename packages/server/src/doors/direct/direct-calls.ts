import type { DescMethodUnary } from '@bufbuild/protobuf';
import type { ConnectError, ContextValues, HandlerContext } from '@connectrpc/connect';
import type { Gate, GateContext } from '../gate.ts';
import type { NodeRequest, NodeResponse } from '../node-handler.ts';
import type { CallOutcomes } from '../outcomes/call-outcomes.ts';
import { toConnectError } from '../outcomes/connect-error.ts';
import { CONNECT } from './connect-form.ts';
import type { DirectAnswer } from './direct-answer.ts';
import type { DirectForm } from './direct-form.ts';
import { contentOf } from './direct-request.ts';
import { GRPC } from './grpc-form.ts';

/** What a method of a direct call is told beside its message. */
export type DirectContext = Pick<HandlerContext, 'values' | 'responseHeader'>;

/** A unary method that is answered without the protocol library. */
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
const FORMS: readonly DirectForm[] = [GRPC, CONNECT];

/**
 * Unary calls of gRPC and Connect that pass by the protocol library, which makes a web request and response, a dozen promises and as
 * many streams of each: four times as much as the rest of a call that is answered from memory. The gate, the limits, the counters and
 * the words of refusals are the same. Whatever is unusual about a call is left to the library.
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
    const form = direct === undefined ? undefined : FORMS.find((each) => each.takes(request));
    return direct === undefined || form === undefined
      ? undefined
      : this.#serve(direct, { request, response, form, values });
  }

  async #serve(direct: DirectMethod, call: DirectCall): Promise<DirectOutcome> {
    const { form, request, response, values } = call;
    const { method, largestMessage } = direct;
    const requestHeader = authorizationOf(request);
    const context: GateContext = { service: method.parent, method, values, requestHeader };
    try {
      await this.#options.gate(context);
    } catch (error) {
      return refuse(call, new Headers(), toConnectError(error));
    }
    const content = await contentOf(request, response, largestMessage + form.besideMessage);
    if (content === undefined) return ANSWERED;
    const message = form.message(content);
    const question = message === undefined || message.length > largestMessage ? undefined : direct.read(message);
    if (question === undefined) return { kind: 'unusual', content };
    return this.#answer(question, call, `${method.parent.typeName}/${method.name}`);
  }

  async #answer(question: DirectQuestion, call: DirectCall, name: string): Promise<DirectOutcome> {
    const { outcomes } = this.#options;
    const { form, request, response, values } = call;
    const responseHeader = new Headers();
    try {
      const answer = await question({ values, responseHeader }, form.takesGzip(request.headers));
      outcomes.done(name);
      if (isWaiting(response)) form.answer(response, responseHeader, answer);
      return ANSWERED;
    } catch (error) {
      return refuse(call, responseHeader, outcomes.failed(name, error));
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
  readonly form: DirectForm;
}

function pathOf({ parent, name }: DescMethodUnary): string {
  return `/${parent.typeName}/${name}`;
}

/** The one header that the gate looks at. */
function authorizationOf({ headers }: NodeRequest): Headers {
  const { authorization } = headers;
  return new Headers(authorization === undefined ? undefined : { authorization });
}

function refuse({ form, response }: DirectCall, header: Headers, error: ConnectError): DirectOutcome {
  if (isWaiting(response)) form.refuse(response, header, error);
  return ANSWERED;
}

/** Whether the caller is still there. */
function isWaiting(response: NodeResponse): boolean {
  return !response.destroyed && !response.headersSent;
}
