import type { AuthorizerDemand, Clock, ExtAuthzProvider } from '@rampart/core';

import { NO_QUERY_CHANGE } from './answer.ts';
import type { HeaderChange, QueryChange, Reply, UnaskableReply } from './answer.ts';
import type { AuthorizerCall, BodyPeek } from './call.ts';
import { Patience, reasonOf } from './patience.ts';
import { providerProblem } from './provider.ts';
import { refuse, refuseByPolicy, refusingVerdict } from './refusal.ts';
import type { Ask, AuthorizerRefusal } from './refusal.ts';
import type { Check, CheckTransport, ConnectToAuthorizer } from './transport.ts';

/** Checks under way and waiting with one provider; more are a failure at once (Envoy's circuit breaker: 1024). */
const MAX_CHECKS = 1024;
const FORBIDDEN = 403;
const PAYLOAD_TOO_LARGE = 413;

interface ApprovalContent {
  readonly request: readonly HeaderChange[];
  readonly response: readonly HeaderChange[];
  readonly query: QueryChange;
  readonly failedOpen: string;
}

/** Mints an `Approval`; known to nobody outside this file. */
let approve: (demand: Ask, content: ApprovalContent) => Approval;

/** Evidence that an external authorizer was asked about one call and let it pass. Only `ExternalAuthorizer.ask` makes one. */
export class Approval {
  /** Who let it pass. */
  readonly provider: ExtAuthzProvider;
  /** "namespace/name" of the CUSTOM policy that asked. */
  readonly policy: string;
  /** For the request before other policies judge it and the application gets it, in this order. */
  readonly request: readonly HeaderChange[];
  /** For the response of the application, in this order. */
  readonly response: readonly HeaderChange[];
  readonly query: QueryChange;
  /** Why the authorizer could not be asked, where its provider fails open; "" when it was asked. */
  readonly failedOpen: string;

  static {
    approve = (demand: Ask, content: ApprovalContent): Approval => new Approval(demand, content);
  }

  private constructor(demand: Ask, content: ApprovalContent) {
    this.provider = demand.provider;
    this.policy = demand.policy;
    this.request = content.request;
    this.response = content.response;
    this.query = content.query;
    this.failedOpen = content.failedOpen;
  }

  /** True when it is what `demand` asks for: from the same provider, which has not changed meanwhile. */
  answers(demand: AuthorizerDemand): boolean {
    return demand.kind === 'ask' && isSame(this.provider, demand.provider);
  }
}

export type AuthorizerAnswer = { readonly kind: 'allowed'; readonly approval: Approval } | AuthorizerRefusal;

export interface ExternalAuthorizerOptions {
  readonly connect: ConnectToAuthorizer;
  readonly clock: Clock;
}

/** The way to one provider, and how many checks are under way on it. */
interface Line {
  readonly transport: CheckTransport;
  checks: number;
}

interface KnownProvider {
  readonly provider: ExtAuthzProvider;
  readonly line: Promise<Line>;
}

/** Asks the mesh's external authorizers what CUSTOM policies want to know. One for each data plane. */
export class ExternalAuthorizer {
  readonly #options: ExternalAuthorizerOptions;
  readonly #known = new Map<string, KnownProvider>();

  constructor(options: ExternalAuthorizerOptions) {
    this.#options = options;
  }

  /** Asks about one call. Never rejects: what goes wrong is a refusal, unless the provider fails open. */
  async ask(demand: AuthorizerDemand, call: AuthorizerCall): Promise<AuthorizerAnswer> {
    if (demand.kind === 'deny') return refuseByPolicy(demand.verdict);
    const { provider } = demand;
    const problem = providerProblem(provider);
    if (problem !== '') {
      return refuseByPolicy(refusingVerdict(demand, `external authorizer "${provider.name}" is unfit: ${problem}`));
    }
    const line = await this.#line(provider).catch(asError);
    if (line instanceof Error) {
      // Without a client nobody can tell which headers the authorizer speaks for: this never fails open.
      const reason = `external authorizer "${provider.name}" could not be asked: ${line.message}`;
      return refuse('failed', refusingVerdict(demand, reason), { status: provider.statusOnError });
    }
    // The caller takes the time it takes for its body. It is not the authorizer's, and no way around it.
    const body = await peek(provider, call);
    if (body instanceof Error) return refuse('failed', refusingVerdict(demand, body.message), { status: FORBIDDEN });
    if (body === 'too large') {
      const reason = `the body is larger than the maxRequestBytes of external authorizer "${provider.name}"`;
      return refuse('denied', refusingVerdict(demand, reason), {
        status: PAYLOAD_TOO_LARGE,
        body: 'Payload Too Large',
      });
    }
    return this.#check(demand, { provider, call, body }, line);
  }

  /** Lets connections go; later checks open new ones. */
  close(): void {
    for (const { line } of this.#known.values()) closeLine(line);
    this.#known.clear();
  }

  async #check(demand: Ask, question: Omit<Check, 'signal'>, line: Line): Promise<AuthorizerAnswer> {
    const { provider, call } = question;
    const distrusted = (): readonly HeaderChange[] => line.transport.distrust(call);
    if (line.checks >= MAX_CHECKS) return fallBack(demand, `${MAX_CHECKS} checks are under way`, distrusted());
    const patience = new Patience(provider.timeoutMs, call.signal, this.#options.clock);
    const { signal } = patience;
    line.checks += 1;
    try {
      return settle(demand, await patience.within(line.transport.check({ ...question, signal })), distrusted);
    } catch (error) {
      if (call.signal.aborted) {
        return refuse('failed', refusingVerdict(demand, 'the caller went away'), { status: FORBIDDEN });
      }
      return fallBack(demand, (signal.aborted ? reasonOf(signal) : asError(error)).message, distrusted());
    } finally {
      line.checks -= 1;
      patience.end();
    }
  }

  /** A provider that has changed gets a new line, and the checks under way on the old one end there. */
  #line(provider: ExtAuthzProvider): Promise<Line> {
    const known = this.#known.get(provider.name);
    if (known !== undefined && isSame(known.provider, provider)) return known.line;
    if (known !== undefined) closeLine(known.line);
    const line = this.#open(provider);
    this.#known.set(provider.name, { provider, line });
    return line;
  }

  /** Loaded at first use: a data plane without CUSTOM policies holds neither clients nor protobuf messages for them. */
  async #open(provider: ExtAuthzProvider): Promise<Line> {
    const { connect } = this.#options;
    if (provider.transport === 'grpc') {
      const { GrpcCheckTransport } = await import('./grpc/grpc-check.ts');
      return { transport: new GrpcCheckTransport(provider, connect), checks: 0 };
    }
    const { HttpCheckTransport } = await import('./http/http-check.ts');
    return { transport: new HttpCheckTransport(provider, connect), checks: 0 };
  }
}

function closeLine(line: Promise<Line>): void {
  line.then(
    ({ transport }) => transport.close(),
    () => {},
  );
}

function isSame(one: ExtAuthzProvider, other: ExtAuthzProvider): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

/** Envoy: a body that is too large is answered with 413 and asks nobody, unless a part of it is enough. */
async function peek(
  { includeRequestBodyInCheck: wanted }: ExtAuthzProvider,
  { http, signal }: AuthorizerCall,
): Promise<BodyPeek | 'too large' | Error | undefined> {
  if (wanted === undefined || http?.peekBody === undefined) return undefined;
  const body = await http.peekBody(wanted.maxRequestBytes, signal).catch(asError);
  return body instanceof Error || body.complete || wanted.allowPartialMessage ? body : 'too large';
}

function settle(
  demand: Ask,
  reply: Reply | UnaskableReply,
  distrusted: () => readonly HeaderChange[],
): AuthorizerAnswer {
  switch (reply.kind) {
    case 'allowed':
      return { kind: 'allowed', approval: approve(demand, { ...reply, failedOpen: '' }) };
    case 'denied': {
      const reason = `external authorizer "${demand.provider.name}" said no with ${reply.status}`;
      return refuse('denied', refusingVerdict(demand, reason), reply);
    }
    case 'failed':
      return fallBack(demand, reply.reason, distrusted());
    case 'unaskable': {
      const reason = `external authorizer "${demand.provider.name}" cannot be asked about this: ${reply.reason}`;
      return refuseByPolicy(refusingVerdict(demand, reason));
    }
  }
}

/** Nobody could tell: `statusOnError`, or let through where the provider fails open. */
function fallBack(demand: Ask, reason: string, request: readonly HeaderChange[]): AuthorizerAnswer {
  const { name, failOpen, statusOnError } = demand.provider;
  const text = `external authorizer "${name}" could not be asked: ${reason}`;
  if (!failOpen) return refuse('failed', refusingVerdict(demand, text), { status: statusOnError });
  const content = { request, response: [], query: NO_QUERY_CHANGE, failedOpen: text };
  return { kind: 'allowed', approval: approve(demand, content) };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('an unknown failure');
}
