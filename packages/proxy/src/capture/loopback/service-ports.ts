import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';

/** What became of a port that was to be opened. */
export type PortOutcome = 'open' | 'taken' | 'forbidden' | 'no such address';

const OUTCOMES: Readonly<Record<string, PortOutcome>> = {
  EADDRINUSE: 'taken',
  EACCES: 'forbidden',
  EPERM: 'forbidden',
  EADDRNOTAVAIL: 'no such address',
};

/** The ports of one service at one address. */
export class ServicePorts {
  readonly address: string;
  readonly #connected: (socket: Socket, port: number) => void;
  readonly #servers = new Map<number, Server>();
  #connections = 0;

  constructor(address: string, connected: (socket: Socket, port: number) => void) {
    this.address = address;
    this.#connected = connected;
  }

  get open(): readonly number[] {
    return [...this.#servers.keys()];
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#connections;
  }

  /** @throws the system's error where it is none that a port can have. */
  async listen(port: number): Promise<PortOutcome> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#count(socket, port));
    try {
      server.listen({ host: this.address, port, exclusive: true });
      await once(server, 'listening');
    } catch (cause) {
      const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : undefined;
      const outcome = OUTCOMES[String(code)];
      if (outcome === undefined) throw cause;
      return outcome;
    }
    server.unref();
    this.#servers.set(port, server);
    return 'open';
  }

  /** Connections that are open stay so. */
  close(ports: readonly number[] = this.open): void {
    for (const port of ports) {
      this.#servers.get(port)?.close();
      this.#servers.delete(port);
    }
  }

  #count(socket: Socket, port: number): void {
    this.#connections += 1;
    socket.once('close', () => (this.#connections -= 1));
    this.#connected(socket, port);
  }
}
