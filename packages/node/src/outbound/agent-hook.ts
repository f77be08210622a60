import http from 'node:http';
import { Socket } from 'node:net';

import type { Outbound, OutboundRecorder } from '@rampart/mesh';

import { wrapMethod } from '../wrap-method.ts';
import { HttpCalls } from './http-calls.ts';
import { hookResponses } from './http-response.ts';
import { MeshAgent, withTarget } from './mesh-agent.ts';
import { RuledAgent } from './ruled/ruled-agent.ts';
import type { RuledDoor } from './ruled/ruled-door.ts';
import type { RuledRequests } from './ruled/ruled-requests.ts';
import { targetOf } from './socket-hook.ts';

export interface AgentHook {
  /** Stops using pooled connections that the predicate does not keep. */
  retire(keep: (instanceId: string) => boolean): void;
}

/** The mesh's agents behind the application's own, one each. */
export class MeshAgents implements AgentHook {
  readonly #outbound: Outbound;
  readonly #behind = new WeakMap<http.Agent, MeshAgent>();
  readonly #live = new Set<WeakRef<MeshAgent>>();
  /** `agent: false` makes an agent per request: what is left of each must go with it. */
  readonly #gone = new FinalizationRegistry<WeakRef<MeshAgent>>((reference) => this.#live.delete(reference));

  constructor(outbound: Outbound) {
    this.#outbound = outbound;
  }

  for(agent: http.Agent): MeshAgent {
    let mesh = this.#behind.get(agent);
    if (mesh === undefined) {
      mesh = new MeshAgent(this.#outbound, agent);
      this.#behind.set(agent, mesh);
      const reference = new WeakRef(mesh);
      this.#live.add(reference);
      this.#gone.register(mesh, reference);
    }
    return mesh;
  }

  destroyed(agent: http.Agent): void {
    this.#behind.get(agent)?.destroy();
  }

  retire(keep: (instanceId: string) => boolean): void {
    for (const reference of this.#live) reference.deref()?.retire(keep);
  }
}

export interface AgentHookOptions {
  readonly outbound: Outbound;
  readonly recorder: OutboundRecorder;
  readonly agents: MeshAgents;
  readonly ruled: RuledRequests;
  readonly door: RuledDoor;
}

/** Sends requests for services of the mesh to an instance picked per request, and leaves all others alone. */
export function hookAgents({ outbound, recorder, agents, ruled, door }: AgentHookOptions): AgentHook {
  const calls = new HttpCalls(outbound, recorder);
  const ruledAgents = new RuledAgents(door);
  hookResponses();
  // Every `http` and `https` request of a process goes through this method; Node documents agents but not this.
  wrapMethod(http.Agent.prototype, 'addRequest', (addRequest, agent, args) => {
    const [request, options] = args;
    if (!(agent instanceof http.Agent) || agent instanceof MeshAgent || agent instanceof RuledAgent)
      return addRequest(agent, args);
    if (!(request instanceof http.ClientRequest) || !isForMesh(options, outbound)) return addRequest(agent, args);
    const { host = '', port } = options;
    if (door.concerns(host ?? '', Number(port ?? 0))) {
      calls.note(request, ruled);
      return addRequest(ruledAgents.for(agent), args);
    }
    const target = calls.begin(request, options);
    if (target !== undefined) addRequest(agents.for(agent), [request, withTarget(options, target)]);
    return undefined;
  });
  // A request without an agent opens its own connection, which the socket hook has led into the mesh: WebSocket clients do so.
  wrapMethod(http.ClientRequest.prototype, 'onSocket', (onSocket, request, args) => {
    const [socket] = args;
    const target = socket instanceof Socket ? targetOf(socket) : undefined;
    if (target !== undefined && request instanceof http.ClientRequest) calls.adopt(request, target);
    return onSocket(request, args);
  });
  wrapMethod(http.Agent.prototype, 'destroy', (destroy, agent, args) => {
    if (agent instanceof http.Agent) agents.destroyed(agent);
    if (agent instanceof http.Agent) ruledAgents.destroyed(agent);
    return destroy(agent, args);
  });
  return agents;
}

/** Agents for requests that rules are about, one behind each of the application's own. */
class RuledAgents {
  readonly #door: RuledDoor;
  readonly #behind = new WeakMap<http.Agent, RuledAgent>();

  constructor(door: RuledDoor) {
    this.#door = door;
  }

  for(agent: http.Agent): RuledAgent {
    let ruled = this.#behind.get(agent);
    if (ruled === undefined) {
      ruled = new RuledAgent(this.#door, agent);
      this.#behind.set(agent, ruled);
    }
    return ruled;
  }

  destroyed(agent: http.Agent): void {
    this.#behind.get(agent)?.destroy();
  }
}

function isForMesh(options: unknown, outbound: Outbound): options is http.ClientRequestArgs {
  if (typeof options !== 'object' || options === null) return false;
  const { host, socketPath }: { host?: unknown; socketPath?: unknown } = options;
  return typeof host === 'string' && socketPath == null && outbound.concerns(host);
}
