import http from 'node:http';
import https from 'node:https';
import { Server, Socket } from 'node:net';
import { Duplex } from 'node:stream';

import type { InboundConnection } from '@rampart/mesh';

import { wrapMethod } from '../wrap-method.ts';
import { proceed } from './emission.ts';
import type { Emission } from './emission.ts';
import { holdInvitations } from './invitation.ts';
import type { Ports } from './ports.ts';
import type { RequestHandler } from './request-handler.ts';
import { connectionOf, markJudged, wasJudged } from './symbols.ts';
import { readingProblem } from './unreadable.ts';

export interface ServerHookOptions {
  readonly ports: Ports;
  readonly handler: RequestHandler;
}

/**
 * Puts the mesh between Node's sockets and the listeners of every HTTP server of the process, whatever framework made it.
 * `emit` is where Node hands connections and requests over, so nothing an application does can go around it.
 */
export function hookServers(options: ServerHookOptions): void {
  holdInvitations();
  for (const prototype of [http.Server.prototype, https.Server.prototype]) {
    const { emit } = prototype;
    const hooked = function (this: unknown, ...args: unknown[]): unknown {
      if (!(this instanceof Server)) return Reflect.apply(emit, this, args);
      return onEmission(options, { server: this, args, emit });
    };
    Object.assign(prototype, { emit: hooked });
    wrapMethod(prototype, 'close', (close, self, args) => {
      if (self instanceof Server) options.ports.closing(self);
      return close(self, args);
    });
  }
}

function onEmission(options: ServerHookOptions, emission: Emission): boolean {
  switch (emission.args[0]) {
    case 'connection':
      return onConnection(options, emission);
    case 'request':
    case 'checkContinue':
    case 'checkExpectation':
      return onRequest(options, emission);
    case 'upgrade':
    case 'connect':
      return onUpgrade(options, emission);
    case 'dropRequest':
      return onDrop(options, emission);
    case 'clientError':
      onClientError(options, emission);
      break;
    case 'listening':
      options.ports.opened(emission.server);
      break;
    case 'close':
      options.ports.closed(emission.server);
      break;
    default:
  }
  return proceed(emission);
}

function onConnection({ ports }: ServerHookOptions, emission: Emission): boolean {
  const { server, emit } = emission;
  const socket = emission.args[1];
  if (!(socket instanceof Socket) || connectionOf(socket) !== undefined) return proceed(emission);
  ports.enter(server, socket, (admitted) => {
    const tlsIsDone = server instanceof https.Server && admitted.peer !== undefined;
    proceed({ server, args: [tlsIsDone ? 'secureConnection' : 'connection', admitted.socket], emit });
  });
  return true;
}

// A request that is not Node's own did not come from a socket: the application made it up and hands it to itself.
function onRequest({ ports, handler }: ServerHookOptions, emission: Emission): boolean {
  const [, request, response] = emission.args;
  if (!(request instanceof http.IncomingMessage) || !isResponse(response)) return proceed(emission);
  if (wasJudged(request)) return proceed(emission);
  markJudged(request);
  const connection = admitted(ports, emission.server, request.socket);
  if (connection === undefined) return false;
  return handler.handle(connection, { request, response, emission });
}

function isResponse(value: unknown): value is http.ServerResponse {
  return value instanceof http.ServerResponse;
}

function onUpgrade({ ports, handler }: ServerHookOptions, emission: Emission): boolean {
  const request = emission.args[1];
  const socket = emission.args[2];
  if (!(request instanceof http.IncomingMessage) || !(socket instanceof Duplex)) return proceed(emission);
  if (wasJudged(request)) return proceed(emission);
  markJudged(request);
  const connection = admitted(ports, emission.server, request.socket);
  if (connection === undefined) return false;
  return handler.handleUpgrade(connection, { request, socket, emission });
}

/** Beyond `maxRequestsPerSocket` Node answers 503 by itself, and only tells the application, which could answer as well. */
function onDrop({ ports, handler }: ServerHookOptions, emission: Emission): boolean {
  const [, request] = emission.args;
  if (!(request instanceof http.IncomingMessage) || wasJudged(request)) return proceed(emission);
  markJudged(request);
  const connection = admitted(ports, emission.server, request.socket);
  return connection !== undefined && handler.drop(connection, request, emission);
}

/** What Node cannot read gets its answer from Node, or from the application, and is no request to judge. */
function onClientError({ handler }: ServerHookOptions, { args }: Emission): void {
  const [, error, socket] = args;
  if (!(socket instanceof Socket)) return;
  const connection = connectionOf(socket);
  if (connection === undefined) return;
  const problem = readingProblem(error, socket);
  if (problem !== undefined) handler.unreadable(connection, problem);
}

/** A request on a connection that never passed the gate has no caller to judge: the connection is closed. */
function admitted(ports: Ports, server: Server, socket: Socket): InboundConnection | undefined {
  const connection = connectionOf(socket) ?? ports.passedThrough(server, socket);
  if (connection === undefined) socket.destroy();
  return connection;
}
