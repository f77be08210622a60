import http from 'node:http';
import https from 'node:https';
import { Server, Socket } from 'node:net';
import { Duplex } from 'node:stream';

import type { InboundConnection } from '@rampart/mesh';

import { wrapMethod } from '../wrap-method.ts';
import type { Original } from '../wrap-method.ts';
import type { Ports } from './ports.ts';
import type { RequestHandler } from './request-handler.ts';
import { connectionOf, markJudged, wasJudged } from './symbols.ts';

export interface ServerHookOptions {
  readonly ports: Ports;
  readonly handler: RequestHandler;
}

/** One emission on a server, and the way to let it happen. */
interface Emission {
  readonly server: Server;
  readonly event: string;
  readonly args: readonly unknown[];
  readonly proceed: (event: string, args: readonly unknown[]) => boolean;
}

/**
 * Puts the mesh between Node's sockets and the listeners of every HTTP server of the process, whatever framework made it.
 * `emit` is where Node hands connections and requests over, so nothing an application does can go around it.
 */
export function hookServers(options: ServerHookOptions): void {
  for (const prototype of [http.Server.prototype, https.Server.prototype]) {
    wrapMethod(prototype, 'emit', (emit, self, args) => {
      const [event, ...rest] = args;
      if (typeof event !== 'string' || !(self instanceof Server)) return emit(self, args);
      return onEmission(options, { server: self, event, args: rest, proceed: proceeding(emit, self) });
    });
    wrapMethod(prototype, 'close', (close, self, args) => {
      if (self instanceof Server) options.ports.closing(self);
      return close(self, args);
    });
  }
}

function proceeding(emit: Original, server: Server): Emission['proceed'] {
  return (event, args) => emit(server, [event, ...args]) === true;
}

function onEmission(options: ServerHookOptions, emission: Emission): boolean {
  const { server, event, args, proceed } = emission;
  switch (event) {
    case 'connection':
      return onConnection(options, emission);
    case 'request':
    case 'checkContinue':
    case 'checkExpectation':
      return onRequest(options, emission);
    case 'upgrade':
    case 'connect':
      return onUpgrade(options, emission);
    case 'listening':
      options.ports.opened(server);
      break;
    case 'close':
      options.ports.closed(server);
      break;
    default:
  }
  return proceed(event, args);
}

function onConnection({ ports }: ServerHookOptions, { server, event, args, proceed }: Emission): boolean {
  const socket = args[0];
  if (!(socket instanceof Socket) || connectionOf(socket) !== undefined) return proceed(event, args);
  ports.enter(server, socket, (admitted) => {
    const tlsIsDone = server instanceof https.Server && admitted.peer !== undefined;
    proceed(tlsIsDone ? 'secureConnection' : 'connection', [admitted.socket]);
  });
  return true;
}

// A request that is not Node's own did not come from a socket: the application made it up and hands it to itself.
function onRequest({ ports, handler }: ServerHookOptions, { server, event, args, proceed }: Emission): boolean {
  const [request, response] = args;
  if (!(request instanceof http.IncomingMessage) || !(response instanceof http.ServerResponse)) return proceed(event, args);
  if (wasJudged(request)) return proceed(event, args);
  markJudged(request);
  const connection = admitted(ports, server, request.socket);
  if (connection === undefined) return false;
  return handler.handle(connection, { request, response, application: () => proceed(event, args) });
}

function onUpgrade({ ports, handler }: ServerHookOptions, { server, event, args, proceed }: Emission): boolean {
  const [request, socket] = args;
  if (!(request instanceof http.IncomingMessage) || !(socket instanceof Duplex)) return proceed(event, args);
  if (wasJudged(request)) return proceed(event, args);
  markJudged(request);
  const connection = admitted(ports, server, request.socket);
  if (connection === undefined) return false;
  return handler.handleUpgrade(connection, { request, socket, application: () => proceed(event, args) });
}

/** A request on a connection that never passed the gate has no caller to judge: the connection is closed. */
function admitted(ports: Ports, server: Server, socket: Socket): InboundConnection | undefined {
  const connection = connectionOf(socket) ?? ports.passedThrough(server, socket);
  if (connection === undefined) socket.destroy();
  return connection;
}
