import http from 'node:http';
import type { ClientRequest, ClientRequestArgs } from 'node:http';
import { Socket } from 'node:net';

import { adoptHeaders, formatTraceparent } from '@rampart/mesh';

import type { Outbound, Target } from './call.ts';
import { COMPLETE } from './ending.ts';
import type { Ending } from './ending.ts';
import type { OutboundExchange, OutboundRecorder } from './exchange.ts';
import { endingOf, followResponse, hookResponses, isFollowed, upgradeOf } from './http-response.ts';
import { MeshAgent, withTarget } from './mesh-agent.ts';
import { bytesSent } from '../body-count.ts';
import { targetOf } from './socket-hook.ts';
import { wrapMethod } from '../wrap-method.ts';
import type { Original } from '../wrap-method.ts';

export interface AgentHook {
  /** Stops using pooled connections that the predicate does not keep. */
  retire(keep: (instanceId: string) => boolean): void;
}

interface Sending {
  readonly request: ClientRequest;
  readonly options: ClientRequestArgs;
  readonly agent: MeshAgent;
  readonly addRequest: Original;
}

/** Sends requests for services of the mesh to an instance picked per request, and leaves all others alone. */
export function hookAgents(outbound: Outbound, recorder: OutboundRecorder): AgentHook {
  const agents = new WeakMap<http.Agent, MeshAgent>();
  const live = new Set<WeakRef<MeshAgent>>();

  function meshAgentFor(agent: http.Agent): MeshAgent {
    let mesh = agents.get(agent);
    if (mesh === undefined) {
      mesh = new MeshAgent(outbound, agent);
      agents.set(agent, mesh);
      live.add(new WeakRef(mesh));
    }
    return mesh;
  }

  hookResponses();
  // Every `http` and `https` request of a process goes through this method; Node documents agents but not this.
  wrapMethod(http.Agent.prototype, 'addRequest', (addRequest, agent, args) => {
    const [request, options] = args;
    if (!(agent instanceof http.Agent) || agent instanceof MeshAgent) return addRequest(agent, args);
    if (!(request instanceof http.ClientRequest) || !isForMesh(options)) return addRequest(agent, args);
    send({ request, options, agent: meshAgentFor(agent), addRequest });
    return undefined;
  });
  // A request without an agent opens its own connection, which the socket hook has led into the mesh: WebSocket clients do so.
  wrapMethod(http.ClientRequest.prototype, 'onSocket', (onSocket, request, args) => {
    const [socket] = args;
    const target = socket instanceof Socket ? targetOf(socket) : undefined;
    if (target !== undefined && request instanceof http.ClientRequest) adopt(request, target);
    return onSocket(request, args);
  });
  wrapMethod(http.Agent.prototype, 'destroy', (destroy, agent, args) => {
    if (agent instanceof http.Agent) agents.get(agent)?.destroy();
    return destroy(agent, args);
  });

  function isForMesh(options: unknown): options is http.ClientRequestArgs {
    if (typeof options !== 'object' || options === null) return false;
    const { host, socketPath }: { host?: unknown; socketPath?: unknown } = options;
    return typeof host === 'string' && socketPath == null && outbound.concerns(host);
  }

  function send({ request, options, agent, addRequest }: Sending): void {
    const exchange = recorder.begin({ method: request.method, path: request.path, authority: authorityOf(request, options.host) });
    followResponse(request, exchange);
    const route = outbound.route(options.host ?? '', Number(options.port ?? 0));
    const refusal = route.kind === 'failed' ? route.error : undefined;
    request.on('close', () => finish(request, exchange, refusal));
    if (route.kind !== 'mesh') {
      fail(request, refusal);
      return;
    }
    exchange.target = route.target;
    outbound.plane.picker.started(route.target.endpoint);
    addTraceHeaders(request, exchange);
    addRequest(agent, [request, withTarget(options, route.target)]);
  }

  function adopt(request: ClientRequest, target: Target): void {
    if (isFollowed(request)) return;
    const exchange = recorder.begin({ method: request.method, path: request.path, authority: authorityOf(request, request.host) });
    followResponse(request, exchange);
    exchange.target = target;
    outbound.plane.picker.started(target.endpoint);
    addTraceHeaders(request, exchange);
    request.on('close', () => finish(request, exchange, undefined));
  }

  function finish(request: ClientRequest, exchange: OutboundExchange, refusal: Error | undefined): void {
    exchange.bytesSent = bytesSent(request);
    exchange.userAgent = String(request.getHeader('user-agent') ?? '');
    const upgraded = upgradeOf(request);
    if (upgraded === undefined) {
      end(exchange, endingOf(request, exchange, refusal));
      return;
    }
    exchange.code = upgraded.code;
    upgraded.socket.once('close', () => {
      exchange.bytesSent = upgraded.socket.bytesWritten;
      exchange.bytesReceived = upgraded.socket.bytesRead;
      end(exchange, COMPLETE);
    });
  }

  function end(exchange: OutboundExchange, ending: Ending): void {
    const { target } = exchange;
    if (target !== undefined) outbound.plane.picker.finished(target.endpoint);
    recorder.end(exchange, ending);
  }

  return {
    retire: (keep) => {
      for (const reference of live) {
        const agent = reference.deref();
        if (agent === undefined) live.delete(reference);
        else agent.retire(keep);
      }
    },
  };
}

/** A destroyed request tells its listeners only when it is given its socket, or told that there is none. */
function fail(request: ClientRequest, error: Error | undefined): void {
  request.destroy(error);
  Reflect.apply(request.onSocket, request, [null, error]);
}

function addTraceHeaders(request: ClientRequest, exchange: OutboundExchange): void {
  // Headers given as an array are already rendered; such requests get their id at the other end.
  if (request.headersSent) return;
  const requestId = request.getHeader('x-request-id');
  const traceparent = request.getHeader('traceparent');
  if (requestId !== undefined || traceparent !== undefined) {
    exchange.trace = adoptHeaders(exchange.trace, asText(requestId), asText(traceparent));
  }
  if (requestId === undefined && exchange.trace.requestId !== '') request.setHeader('x-request-id', exchange.trace.requestId);
  if (traceparent === undefined) request.setHeader('traceparent', formatTraceparent(exchange.trace));
}

function asText(header: number | string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined;
}

function authorityOf(request: ClientRequest, host: string | null | undefined): string {
  const header = request.headersSent ? undefined : request.getHeader('host');
  return typeof header === 'string' ? header : (host ?? '');
}
