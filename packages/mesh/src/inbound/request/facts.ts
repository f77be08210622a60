import { clientAddress, fail, normalizePath, ok } from '@rampart/core';
import type { Result, TokenFacts } from '@rampart/core';

import type { Authenticated } from '../authenticate/authenticated.ts';
import type { Carrier } from '../authenticate/carrier.ts';
import type { RequestToJudge } from '../authorize.ts';
import type { InboundConnection } from '../connection.ts';
import type { Signed } from '../signature/signed.ts';
import type { Approval } from '../external/external-authorizer.ts';
import { isAuthority } from './authority.ts';
import { hasSeveralHosts, headerText, headerValues, replaceHost } from './headers.ts';
import type { RequestMessage } from './message.ts';

/** The facts of one request that policy may ask for, read lazily from its message. */
export class RequestFacts implements RequestToJudge, Carrier {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  authenticated: Authenticated | undefined;
  approval: Approval | undefined;
  signed: Signed | undefined;
  /** In origin form, and else as it came. */
  readonly sentTarget: string;
  readonly request: RequestMessage;
  readonly #connection: InboundConnection;

  private constructor(request: RequestMessage, sentTarget: string, connection: InboundConnection) {
    this.request = request;
    this.sentTarget = sentTarget;
    this.#connection = connection;
    this.authenticated = undefined;
    this.approval = undefined;
    this.signed = undefined;
    this.method = request.method ?? '';
    this.host = connection.authority;
    this.path = withoutQuery(request.url ?? '');
  }

  /**
   * Normalises the request target, in what policy sees and in what the application gets: a path that means one thing
   * to the policy and another to the router is how policies are bypassed.
   */
  static read(request: RequestMessage, connection: InboundConnection): Result<RequestFacts, string> {
    if (hasSeveralHosts(request)) return fail('the request has more than one Host');
    const target = originForm(request);
    if (target === undefined) return fail('the request target is neither a path nor an absolute URL');
    const host = headerText(request, 'host') ?? '';
    if (host !== connection.authority) {
      if (!isAuthority(host)) return fail('the host is not a name or address with or without a port');
      connection.authority = host;
    }
    const normal = normalizePath(target, connection.workload.settings.pathNormalization);
    if (!normal.ok) return fail(normal.problem);
    request.url = normal.value;
    return ok(new RequestFacts(request, target, connection));
  }

  get token(): TokenFacts | undefined {
    return this.authenticated?.token;
  }

  get remoteIp(): string {
    const { client, workload } = this.#connection;
    return clientAddress(this.header('x-forwarded-for'), workload.settings.numTrustedProxies, client.address);
  }

  get target(): string {
    return this.request.url ?? '';
  }

  values(name: string): readonly string[] {
    return headerValues(this.request, name);
  }

  header(name: string): string | undefined {
    if (name === ':path') return this.target;
    const values = headerValues(this.request, name);
    return values.length === 0 ? undefined : values.join(',');
  }
}

/** RFC 9112 §3.2: absolute-form carries its own authority, which overrides Host; "*" is for OPTIONS alone. */
function originForm(request: RequestMessage): string | undefined {
  const target = request.url ?? '';
  if (target.startsWith('/')) return target;
  if (target === '*') return request.method === 'OPTIONS' ? target : undefined;
  // An authority with credentials in it is no host (RFC 9110 §4.2.4).
  const scheme = /^https?:\/\/([^/?#@]+)(?=[/?#]|$)/i.exec(target);
  if (scheme?.[1] === undefined) return undefined;
  replaceHost(request, scheme[1]);
  const rest = target.slice(scheme[0].length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function withoutQuery(target: string): string {
  const query = target.indexOf('?');
  const path = query === -1 ? target : target.slice(0, query);
  const fragment = path.indexOf('#');
  return fragment === -1 ? path : path.slice(0, fragment);
}
