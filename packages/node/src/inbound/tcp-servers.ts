import { Server, Socket } from 'node:net';
import tls from 'node:tls';

import type { InboundConnection } from '@rampart/mesh';

import { wrapMethod } from '../wrap-method.ts';
import { proceed } from './emission.ts';
import type { Emission } from './emission.ts';
import type { Http2Servers } from './http2/http2-servers.ts';
import type { Ports } from './ports.ts';
import { servedBy } from './served-by.ts';
import { connectionOf } from './symbols.ts';
import type { TcpConnections } from './tcp-connections.ts';

export interface TcpServersOptions {
  readonly ports: Ports;
  readonly tcp: TcpConnections;
  readonly http2: Http2Servers;
}

/**
 * Puts the mesh in front of the servers of this process that are none of `node:http` and `node:https`: raw TCP, TLS of their
 * own, HTTP/2. To be hooked after those, whose own gate comes first.
 */
export function hookTcpServers(options: TcpServersOptions): void {
  const { emit } = Server.prototype;
  const hooked = function (this: unknown, ...args: unknown[]): unknown {
    if (!(this instanceof Server)) return Reflect.apply(emit, this, args);
    return onEmission(options, { server: this, args, emit });
  };
  Object.assign(Server.prototype, { emit: hooked });
  wrapMethod(Server.prototype, 'close', (close, self, args) => {
    if (self instanceof Server) options.ports.closing(self);
    return close(self, args);
  });
}

function onEmission(options: TcpServersOptions, emission: Emission): boolean {
  const { server, args } = emission;
  switch (args[0]) {
    case 'connection':
      return onConnection(options, emission);
    case 'session':
      options.http2.began(server, args[1]);
      break;
    case 'listening':
      return onListening(options, emission);
    case 'close':
      options.ports.closed(server);
      break;
    default:
  }
  return proceed(emission);
}

/** The primary of a cluster opens ports for its workers with servers that do not keep them: what they are is the workers' to say. */
function onListening({ ports }: TcpServersOptions, emission: Emission): boolean {
  const isHeard = proceed(emission);
  if (emission.server.listening) ports.opened(emission.server);
  return isHeard;
}

function onConnection({ ports, tcp }: TcpServersOptions, emission: Emission): boolean {
  const { server, args, emit } = emission;
  const [, socket] = args;
  // A server that does not listen itself is handed connections that were judged where they came in. A Unix socket is no network.
  if (!(socket instanceof Socket) || !server.listening || socket.remoteAddress === undefined) return proceed(emission);
  if (connectionOf(socket) !== undefined) return proceed(emission);
  const application = (connection: InboundConnection): void => {
    const tlsIsDone = server instanceof tls.Server && connection.peer !== undefined;
    proceed({ server, args: [tlsIsDone ? 'secureConnection' : 'connection', connection.socket], emit });
  };
  ports.enter(server, socket, (connection) => {
    // Streams of HTTP/2 are judged one by one.
    if (servedBy(server) === 'tcp') tcp.enter(connection, application);
    else application(connection);
  });
  return true;
}
