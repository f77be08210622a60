import http from 'node:http';
import type { AgentOptions } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import type { Outbound, Target } from '@rampart/mesh';

const target: unique symbol = Symbol('rampart.target');
const retired: unique symbol = Symbol('rampart.retired');

type Retirable = Duplex & { [retired]?: true };

interface MeshOptions extends http.ClientRequestArgs {
  [target]?: Target;
}

/** Request options as Node's agents see them, with the instance they are for. */
export function withTarget(options: http.ClientRequestArgs, chosen: Target): http.ClientRequestArgs {
  const { endpoint } = chosen;
  const extended: MeshOptions = { ...options, host: endpoint.host, port: endpoint.port, [target]: chosen };
  return extended;
}

/** Stands behind an application's own agent: the same pooling rules, but every connection is the mesh's. */
export class MeshAgent extends http.Agent {
  readonly #outbound: Pick<Outbound, 'dial'>;

  constructor(outbound: Pick<Outbound, 'dial'>, like: http.Agent) {
    super(poolingOf(like));
    this.#outbound = outbound;
    // Node hands a connection straight to a request that waits for one, and asks `keepSocketAlive` only when none does.
    this.prependListener('free', (socket: Retirable) => {
      if (socket[retired] === true) socket.destroy();
    });
  }

  override createConnection(options: MeshOptions): Duplex {
    const chosen = options[target];
    if (chosen === undefined) throw new TypeError('a mesh agent dials only instances of mesh services');
    return this.#outbound.dial(chosen);
  }

  override getName(options?: MeshOptions): string {
    return options?.[target]?.endpoint.instanceId ?? '';
  }

  override keepSocketAlive(socket: Retirable): boolean {
    if (socket[retired] === true) return false;
    // The types say void, Node says boolean: whether the socket may be pooled.
    return Boolean(super.keepSocketAlive(socket));
  }

  /** Lets idle connections go and keeps those in use from being used again. */
  retire(keep: (instanceId: string) => boolean): void {
    for (const [name, sockets] of Object.entries(this.freeSockets)) {
      if (!keep(name)) for (const socket of sockets ?? []) socket.destroy();
    }
    for (const [name, sockets] of Object.entries(this.sockets)) {
      if (!keep(name)) for (const socket of sockets ?? []) markRetired(socket);
    }
  }
}

function markRetired(socket: Socket & { [retired]?: true }): void {
  socket[retired] = true;
}

/** How an application's agent keeps its connections. */
export function poolingOf(like: http.Agent): AgentOptions {
  // Node keeps the options an agent was made with, but its types do not say so.
  const options = (Reflect.get(like, 'options') ?? {}) as AgentOptions;
  const { keepAlive, keepAliveMsecs, maxSockets, maxTotalSockets, maxFreeSockets, scheduling, timeout } = options;
  const pooling: AgentOptions = {};
  if (keepAlive !== undefined) pooling.keepAlive = keepAlive;
  if (keepAliveMsecs !== undefined) pooling.keepAliveMsecs = keepAliveMsecs;
  if (maxSockets !== undefined) pooling.maxSockets = maxSockets;
  if (maxTotalSockets !== undefined) pooling.maxTotalSockets = maxTotalSockets;
  if (maxFreeSockets !== undefined) pooling.maxFreeSockets = maxFreeSockets;
  if (scheduling !== undefined) pooling.scheduling = scheduling;
  if (timeout !== undefined) pooling.timeout = timeout;
  return pooling;
}
