import { once } from 'node:events';
import http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo, Server } from 'node:net';

import type { HandlerContext } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { Authorization } from '@rampart/wire/ext-authz-service';
import type { CheckRequest } from '@rampart/wire/ext-authz-service';

const CHECK_HEADER = 'x-ext-authz';
const RESULT_HEADER = 'x-ext-authz-check-result';
const RECEIVED_HEADER = 'x-ext-authz-check-received';
const OVERRIDE_HEADER = 'x-ext-authz-additional-header-override';
export const DENY_BODY = 'denied by ext_authz for not found header `x-ext-authz: allow` in the request';

/** How an authorizer that fails does it. */
export type Conduct = 'answers' | 'fails' | 'hangs' | 'resets';

/**
 * An external authorizer with the conduct of Istio's sample (istio/istio `samples/extauthz`), over HTTP and gRPC: it
 * allows what carries `x-ext-authz: allow`, and over gRPC also whoever comes as `sa/allowed`.
 */
export class SampleAuthorizer {
  conduct: Conduct = 'answers';
  readonly overHttp: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[] = [];
  readonly overGrpc: CheckRequest[] = [];
  readonly #http: Server;
  readonly #grpc: Server;

  private constructor() {
    this.#http = http.createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => this.#answer(request, response, Buffer.concat(chunks).toString()));
    });
    const check = async (request: CheckRequest, { signal }: HandlerContext): Promise<object> => {
      this.overGrpc.push(request);
      // Until nobody waits any more: what is never ended keeps the caller's deadline, and with it this process.
      if (this.conduct === 'hangs') await once(signal, 'abort');
      if (this.conduct !== 'answers') throw new Error('out of order');
      return checked(request);
    };
    this.#grpc = http2.createServer(
      connectNodeAdapter({ routes: (router) => router.service(Authorization, { check }) }),
    );
  }

  static async start(): Promise<SampleAuthorizer> {
    const authorizer = new SampleAuthorizer();
    for (const server of [authorizer.#http, authorizer.#grpc]) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
    return authorizer;
  }

  get httpPort(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  get grpcPort(): number {
    return (this.#grpc.address() as AddressInfo).port;
  }

  stop(): void {
    this.#http.close();
    this.#grpc.close();
  }

  #answer(request: IncomingMessage, response: ServerResponse, body: string): void {
    const { method = '', url = '', headers } = request;
    this.overHttp.push({ method, url, headers, body });
    if (this.conduct === 'hangs') return;
    if (this.conduct === 'resets') {
      request.socket.resetAndDestroy();
      return;
    }
    if (this.conduct === 'fails') {
      response.writeHead(503).end();
      return;
    }
    const allowed = headers[CHECK_HEADER] === 'allow';
    response.setHeader(RESULT_HEADER, allowed ? 'allowed' : 'denied');
    response.setHeader(OVERRIDE_HEADER, headers[OVERRIDE_HEADER] ?? '');
    response.setHeader(RECEIVED_HEADER, `${method} ${url} [${body}]`);
    response.setHeader('set-cookie', ['session=1', 'theme=dark']);
    if (allowed) response.end();
    else response.writeHead(403).end(DENY_BODY);
  }
}

function checked({ attributes }: CheckRequest): object {
  const sent = attributes?.request?.http?.headers[CHECK_HEADER];
  const byIdentity = attributes?.source?.principal.endsWith('/sa/allowed') === true;
  const allowed = sent === undefined ? byIdentity : sent === 'allow';
  const { method = '', path = '', body = '' } = attributes?.request?.http ?? {};
  const headers = [
    { header: { key: RESULT_HEADER, value: allowed ? 'allowed' : 'denied' } },
    { header: { key: RECEIVED_HEADER, value: `${method} ${path} [${body}]` } },
    { header: { key: OVERRIDE_HEADER, value: 'grpc-additional-header-override-value' } },
  ];
  if (!allowed) {
    const value = { status: { code: 403 }, body: DENY_BODY, headers };
    return { status: { code: 7 }, httpResponse: { case: 'deniedResponse', value } };
  }
  const responseHeadersToAdd = ['session=1', 'theme=dark'].map((value) => ({ header: { key: 'set-cookie', value } }));
  return { status: { code: 0 }, httpResponse: { case: 'okResponse', value: { headers, responseHeadersToAdd } } };
}
