import { RampartError } from '@rampart/core';
import { type ConsulAccess, consulAccessOf, listedEndpoints } from './access.ts';
import type { CallCredentials, CallerDesk, ConsulCaller, Identified, LimitOutcome } from './consul-caller.ts';
import type { AclParts } from './acl/acl-parts.ts';
import { aclPolicyRoutes } from './endpoints/acl-policies.ts';
import { aclTokenRoutes } from './endpoints/acl-tokens.ts';
import { agentCheckRoutes } from './endpoints/agent-checks.ts';
import { agentSelfRoutes } from './endpoints/agent-self.ts';
import { agentServiceRoutes } from './endpoints/agent-services.ts';
import { catalogChangeRoutes } from './endpoints/catalog-changes.ts';
import { catalogRoutes } from './endpoints/catalog.ts';
import { healthRoutes } from './endpoints/health.ts';
import { type ConsulAnswer, textAnswer } from './http/answer.ts';
import type { ConsulCall } from './http/call.ts';
import { TOO_MANY_REFUSALS } from '../limits/failure-limit.ts';
import { type ConsulRoutes, RouteTable } from './http/route.ts';
import type { RegistryView } from './registry-view.ts';

/** A request whose path and caller are not looked at yet. */
export interface ConsulRequest extends Pick<CallCredentials, 'authorization' | 'tls'> {
  readonly method: string;
  /** As it was sent. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Value of X-Consul-Namespace. */
  readonly namespace: string | undefined;
  readonly remoteAddress: string;
  /** A signal for when the caller is gone or the control plane stops. */
  end(): AbortSignal;
  /** Read only when the caller is let in; undefined when it is longer than anybody needs, or no text. */
  body(): Promise<string | undefined>;
}

export interface ConsulApiOptions {
  readonly view: RegistryView;
  readonly acl: AclParts;
  readonly callers: CallerDesk;
}

/** Who calls; or what those are told who have to wait. */
type Admitted = ConsulCaller | { readonly blocked: Readonly<Record<string, string>> };

const RANK: Readonly<Record<Exclude<ConsulAccess, 'anyone' | 'nobody'>, number>> = { read: 0, write: 1, operator: 2 };
const NAMESPACE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Everything that answers, by the names of the table of access. */
export function consulRoutes(view: RegistryView, acl: AclParts): ConsulRoutes {
  return {
    ...agentSelfRoutes(view),
    ...agentServiceRoutes(view),
    ...agentCheckRoutes(view),
    ...catalogRoutes(view),
    ...catalogChangeRoutes(view),
    ...healthRoutes(view),
    ...aclPolicyRoutes(acl),
    ...aclTokenRoutes(acl),
  };
}

/** Consul's HTTP API over the registry: which endpoint, who calls, may he, what is the answer. */
export class ConsulApi {
  readonly #options: ConsulApiOptions;
  readonly #routes: ConsulRoutes;
  readonly #table = new RouteTable(listedEndpoints());

  constructor(options: ConsulApiOptions) {
    this.#options = options;
    this.#routes = consulRoutes(options.view, options.acl);
  }

  /** @throws RampartError for what has a status of its own (`refusalAnswer`). */
  async answer(request: ConsulRequest): Promise<ConsulAnswer> {
    const found = this.#table.find(request.method, request.path);
    if (found.kind === 'unknown') return textAnswer(404, `there is no ${request.path} here`);
    if (found.kind === 'other-method') {
      return textAnswer(405, `method ${request.method} not allowed`, { allow: found.allowed.join(',') });
    }
    const { name, params } = found.route;
    const access = consulAccessOf(name);
    if (access === undefined || access === 'nobody') {
      const why = SERVED_TOPICS.has(topicOf(name)) ? '' : `: it keeps services, not ${topicOf(name)}`;
      return textAnswer(501, `${request.path} is not part of this registry${why}`);
    }
    this.#checkDatacenter(request.query);
    const namespace = this.#namespaceOf(request);
    const unseen = this.#options.callers.blocksUnseen(request);
    if (unseen !== undefined) return textAnswer(429, TOO_MANY_REFUSALS, unseen);
    const admitted = this.#admit(request, name, access);
    const caller = admitted instanceof Promise ? await admitted : admitted;
    if ('blocked' in caller) return textAnswer(429, TOO_MANY_REFUSALS, caller.blocked);
    const allowance = this.#limit(caller, request, access);
    if (allowance.isRefused) return textAnswer(429, 'too many requests', allowance.headers);
    const body = await request.body();
    if (body === undefined) return textAnswer(413, 'Request body too large, or no UTF-8');
    const { identity, tokenId } = caller;
    const { remoteAddress: sourceIp, query } = request;
    const discovery = this.#options.view.discoveryOf(identity, sourceIp);
    let hasWaited = false;
    const end = (): AbortSignal => {
      hasWaited = true;
      return request.end();
    };
    const call: ConsulCall = {
      endpoint: name,
      params,
      query,
      caller: identity,
      tokenId,
      discovery,
      namespace,
      sourceIp,
      body,
      end,
    };
    const answer = await this.#routes[name]?.(call);
    if (answer === undefined) throw new RampartError('INTERNAL', `BUG: nothing answers ${name}`);
    // What let the caller in may have ended or been revoked since.
    const still = hasWaited ? await this.#admit(request, name, access) : caller;
    if ('blocked' in still) return textAnswer(429, TOO_MANY_REFUSALS, still.blocked);
    return withHeaders(answer, allowance.headers);
  }

  #admit(
    { authorization, tls, remoteAddress }: ConsulRequest,
    endpoint: string,
    access: Exclude<ConsulAccess, 'nobody'>,
  ): Admitted | Promise<Admitted> {
    if (access === 'anyone') return { identity: { kind: 'anonymous' }, may: 'read' };
    const { callers } = this.#options;
    const blocked = callers.blocks(remoteAddress);
    const admitted = (identified: Identified): Admitted => {
      // Whoever has valid credentials is not kept out by a neighbour who guesses.
      if (!identified.ok && blocked !== undefined) return { blocked };
      if (!identified.ok) throw identified.problem.error;
      if (RANK[identified.value.may] < RANK[access]) {
        throw new RampartError('PERMISSION_DENIED', `Permission denied: this token may not call ${endpoint}`);
      }
      return identified.value;
    };
    const identified = callers.identify({ authorization, tls, remoteAddress, endpoint });
    return identified instanceof Promise ? identified.then(admitted) : admitted(identified);
  }

  /** What anybody is told costs nothing and is not limited. */
  #limit(caller: ConsulCaller, { remoteAddress }: ConsulRequest, access: ConsulAccess): LimitOutcome {
    if (access === 'anyone') return { isRefused: false, headers: {} };
    return this.#options.callers.limit(caller, remoteAddress, access === 'read' ? 'query' : 'registration');
  }

  #namespaceOf({ query, namespace }: ConsulRequest): string {
    const asked = query.get('ns') ?? namespace ?? '';
    if (asked === '') return this.#options.view.namespace;
    if (NAMESPACE.test(asked)) return asked;
    throw new RampartError('INVALID_ARGUMENT', 'a namespace is a DNS label; one at a time is asked for');
  }

  #checkDatacenter(query: URLSearchParams): void {
    const asked = query.get('dc') ?? '';
    if (asked === '' || asked === this.#options.view.datacenter) return;
    throw new RampartError('INVALID_ARGUMENT', `No path to datacenter: this one is ${this.#options.view.datacenter}`);
  }
}

/** The answer's own win. */
function withHeaders(answer: ConsulAnswer, headers: Readonly<Record<string, string>>): ConsulAnswer {
  for (const _ in headers) return { ...answer, headers: { ...headers, ...answer.headers } };
  return answer;
}

/** Of these, some endpoints are here. */
const SERVED_TOPICS: ReadonlySet<string> = new Set(['agent', 'catalog', 'health', 'acl']);

/** "kv", "session": what an endpoint that is not part of this would be about. */
function topicOf(endpoint: string): string {
  return endpoint.split('/')[2] ?? '';
}
