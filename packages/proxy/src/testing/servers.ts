import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** A TCP server on a free port of the loopback, and what has come to it. */
export interface TestServer {
  readonly port: number;
  readonly sockets: readonly Socket[];
  close(): void;
}

/** Connections are kept open for half-closes; errors of theirs are the test's business only where it listens. */
export async function startServer(serve: (socket: Socket) => void, host = '127.0.0.1'): Promise<TestServer> {
  const sockets: Socket[] = [];
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    serve(socket);
  });
  server.listen(0, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** A program that talks to a port, and all that it has heard. */
export class Talker {
  readonly socket: Socket;
  /** Code of the error that ended it; "" where none did. */
  error = '';
  hasEnded = false;
  #heard = '';

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => (this.#heard += chunk.toString('latin1')));
    socket.on('end', () => (this.hasEnded = true));
    socket.on('error', (error: Error & { code?: string }) => (this.error = error.code ?? error.message));
  }

  static to(port: number, host = '127.0.0.1'): Talker {
    return new Talker(connect({ port, host, allowHalfOpen: true }));
  }

  get heard(): string {
    return this.#heard;
  }

  get isClosed(): boolean {
    return this.socket.closed;
  }
}
