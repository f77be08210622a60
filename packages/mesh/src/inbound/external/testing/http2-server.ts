import { once } from 'node:events';
import http2 from 'node:http2';
import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';

/** An HTTP/2 server that answers each stream as it is told, frame by frame. */
export class RawHttp2Server {
  /** Headers of every stream that came. */
  readonly heads: IncomingHttpHeaders[] = [];
  readonly bodies: Buffer[] = [];
  sessions = 0;
  readonly #open: Set<ServerHttp2Session> = new Set();
  readonly #server: Http2Server;

  private constructor(server: Http2Server) {
    this.#server = server;
  }

  static async start(answer: (stream: ServerHttp2Stream) => void): Promise<RawHttp2Server> {
    const server = http2.createServer();
    const raw = new RawHttp2Server(server);
    server.on('session', (session) => {
      raw.sessions += 1;
      raw.#open.add(session);
      session.on('error', () => {});
      session.on('close', () => raw.#open.delete(session));
    });
    server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      raw.heads.push(headers);
      const chunks: Buffer[] = [];
      stream.on('error', () => {});
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        raw.bodies.push(Buffer.concat(chunks));
        answer(stream);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return raw;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const session of this.#open) session.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
