import { once } from 'node:events';
import http2 from 'node:http2';
import type { Http2Server, ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';

import type { MessageInitShape } from '@bufbuild/protobuf';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { Authorization } from '@rampart/wire/ext-authz-service';
import type { CheckRequest, CheckResponseSchema } from '@rampart/wire/ext-authz-service';

/** `caller` is aborted when nobody waits for the decision any more. */
export type GrpcDecision = (
  asked: CheckRequest,
  caller: AbortSignal,
) => MessageInitShape<typeof CheckResponseSchema> | Promise<MessageInitShape<typeof CheckResponseSchema>>;

/** A real gRPC server, another implementation's (ConnectRPC), over plaintext HTTP/2. */
export class GrpcAuthorizer {
  readonly asked: CheckRequest[] = [];
  readonly sessions: Set<ServerHttp2Session> = new Set();
  decide: GrpcDecision = () => ({ status: { code: 0 } });
  readonly #server: Http2Server;

  private constructor(server: Http2Server) {
    this.#server = server;
  }

  static async start(): Promise<GrpcAuthorizer> {
    const handler = connectNodeAdapter({
      routes: (router) =>
        router.service(Authorization, {
          check: (request, { signal }) => {
            authorizer.asked.push(request);
            return authorizer.decide(request, signal);
          },
        }),
    });
    const server = http2.createServer(handler);
    const authorizer = new GrpcAuthorizer(server);
    server.on('session', (session) => {
      authorizer.sessions.add(session);
      session.once('close', () => authorizer.sessions.delete(session));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return authorizer;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get last(): CheckRequest {
    const last = this.asked.at(-1);
    if (last === undefined) throw new Error('nothing was asked');
    return last;
  }

  async stop(): Promise<void> {
    for (const session of this.sessions) session.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
