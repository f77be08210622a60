import { Server, Socket } from 'node:net';

import { plainAddress } from '@rampart/core';
import type { Verdict } from '@rampart/core';
import type { DataPlane, Refusal } from '@rampart/mesh';

import { proceed } from './emission.ts';

export interface TcpServersOptions {
  readonly plane: DataPlane;
  /** Whether a connection from there was opened by this very process. */
  readonly isOwn: (ip: string, port: number) => boolean;
  readonly refuse: (refusal: Refusal) => void;
}

/**
 * Holds NetworkPolicies in front of the servers of this process that speak no HTTP/1: raw TCP, TLS of their own, HTTP/2.
 * Nothing proves who is there, so callers are judged by their address. To be hooked after the HTTP servers, whose own
 * gate comes first.
 */
export function hookTcpServers(options: TcpServersOptions): void {
  const guard = new TcpGuard(options);
  const { emit } = Server.prototype;
  const hooked = function (this: unknown, ...args: unknown[]): unknown {
    if (!(this instanceof Server)) return Reflect.apply(emit, this, args);
    const [event, socket] = args;
    // A server that does not listen itself is handed connections that were judged where they came in.
    const isIncoming = event === 'connection' && socket instanceof Socket && this.listening;
    return isIncoming && !guard.admits(socket) ? true : proceed({ server: this, args, emit });
  };
  Object.assign(Server.prototype, { emit: hooked });
  options.plane.view.subscribe(({ policy, peers }) => {
    if (policy || peers) guard.judgeAgain();
  });
}

class TcpGuard {
  readonly #options: TcpServersOptions;
  readonly #open = new Set<Socket>();

  constructor(options: TcpServersOptions) {
    this.#options = options;
  }

  /** Closes and records a connection that may not be. */
  admits(socket: Socket): boolean {
    // A Unix socket is no network.
    if (socket.remoteAddress === undefined) return true;
    const verdict = this.#judge(socket);
    if (verdict !== undefined) {
      this.#refuse(socket, verdict);
      return false;
    }
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    return true;
  }

  judgeAgain(): void {
    for (const socket of this.#open) {
      const verdict = this.#judge(socket);
      if (verdict !== undefined) this.#refuse(socket, verdict);
    }
  }

  #judge({ remoteAddress = '', remotePort = 0, localPort = 0 }: Socket): Verdict | undefined {
    const { plane, isOwn } = this.#options;
    const { network } = plane.view.policy;
    if (!network.isolatesIngress) return undefined;
    const verdict = network.admit({ ip: plainAddress(remoteAddress) }, localPort);
    // Asked last, because it looks at every connection that this process has opened.
    return verdict === undefined || isOwn(remoteAddress, remotePort) ? undefined : verdict;
  }

  #refuse(socket: Socket, { reason }: Verdict): void {
    const { remoteAddress = '', remotePort = 0, localPort: port = 0 } = socket;
    const where = `${remoteAddress}:${remotePort}`;
    this.#options.refuse({ kind: 'policy_denied', reason, socket, remoteAddress: where, port, peer: '' });
    socket.destroy();
  }
}
