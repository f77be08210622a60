import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What an HTTP authorizer was asked. */
export interface AskedOverHttp {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export type HttpDecision = (asked: AskedOverHttp, response: ServerResponse) => void;

/** A real HTTP server that answers as it is told. */
export class HttpAuthorizer {
  readonly asked: AskedOverHttp[] = [];
  decide: HttpDecision = (_asked, response) => response.end();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<HttpAuthorizer> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { method = '', url = '', rawHeaders, headers } = request;
        const asked = { method, url, rawHeaders, headers, body: Buffer.concat(chunks) };
        authorizer.asked.push(asked);
        authorizer.decide(asked, response);
      });
    });
    const authorizer = new HttpAuthorizer(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return authorizer;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get last(): AskedOverHttp {
    const last = this.asked.at(-1);
    if (last === undefined) throw new Error('nothing was asked');
    return last;
  }

  dropIdle(): void {
    this.#server.closeIdleConnections();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
