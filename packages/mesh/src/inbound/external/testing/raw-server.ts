import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** A server that speaks to a connection as it is told, byte by byte. */
export class RawServer {
  connections = 0;
  readonly #server: Server;
  readonly #sockets: Set<Socket> = new Set();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(speak: (socket: Socket, received: string) => void): Promise<RawServer> {
    const server = createServer((socket) => {
      raw.connections += 1;
      raw.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => raw.#sockets.delete(socket));
      socket.on('data', (bytes) => speak(socket, bytes.toString('latin1')));
    });
    const raw = new RawServer(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return raw;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get sockets(): readonly Socket[] {
    return [...this.#sockets];
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
