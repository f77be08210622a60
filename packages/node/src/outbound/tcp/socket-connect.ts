import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

import { admitted } from '@rampart/mesh';
import type { Outbound, Route, Target } from '@rampart/mesh';

import { wrapMethod } from '../../wrap-method.ts';
import { listenerOf, optionsOf, placeOf } from '../connect-arguments.ts';
import type { ConnectOptions, Place } from '../connect-arguments.ts';
import type { MeshNames } from '../mesh-names.ts';
import { Graft, graftOf, ungraft } from './graft.ts';
import type { TcpCalls } from './tcp-calls.ts';

export interface SocketConnectOptions {
  readonly outbound: Outbound;
  readonly names: MeshNames;
  readonly calls: TcpCalls;
}

/**
 * Catches sockets that are connected to a service of the mesh by its name, as drivers of databases do it: to be hooked last, in
 * front of what holds other connections to policies. TLS sockets have a hook of their own.
 */
export function hookSocketConnect(options: SocketConnectOptions): void {
  const { outbound, names } = options;
  wrapMethod(Socket.prototype, 'connect', (connect, socket, args) => {
    if (!(socket instanceof Socket) || socket instanceof TLSSocket) return connect(socket, args);
    ungraft(socket);
    const given = outbound.connections.isJudged ? undefined : optionsOf(args);
    const asked = given === undefined ? undefined : placeOf(given);
    const place = asked === undefined ? undefined : names.placeOf(asked);
    if (given === undefined || place === undefined || !outbound.concerns(place.host)) return connect(socket, args);
    const listener = listenerOf(args);
    if (listener !== undefined) socket.once('connect', listener);
    graft(options, socket, { given, place });
    return socket;
  });
}

function graft(
  { outbound, calls }: SocketConnectOptions,
  socket: Socket,
  { given, place }: { readonly given: ConnectOptions; readonly place: Place },
): void {
  const route: Route = admitted(outbound.route(place.host, place.port));
  const held = route.kind === 'mesh' ? route.target.held : undefined;
  let isProved = false;
  const tried = new Set<string>();
  let present: Target | undefined;
  const call = calls.follow(socket, {
    authority: `${place.host}:${place.port}`,
    target: route.kind === 'mesh' ? route.target : undefined,
    service: route.kind === 'failed' ? route.service : undefined,
    isProved: () => isProved,
    bytes: () => {
      const { bytesRead: received = 0, bytesWritten: sent = 0 } = graftOf(socket) ?? {};
      return { sent, received };
    },
  });
  const open = (): TLSSocket => {
    if (route.kind === 'failed') throw route.error;
    if (route.kind === 'outside') throw new Error(`BUG: ${place.host} has left the mesh`);
    return dial(route.target);
  };
  const dial = (target: Target): TLSSocket => {
    tried.add(target.endpoint.instanceId);
    present = target;
    const tls = outbound.dial(target);
    if (given['keepAlive'] === true) tls.setKeepAlive(true, Number(given['keepAliveInitialDelay'] ?? 0));
    return tls;
  };
  const another = (): TLSSocket | undefined => {
    present?.held?.answered(false);
    const other = outbound.route(place.host, place.port);
    if (other.kind !== 'mesh' || tried.has(other.target.endpoint.instanceId)) return undefined;
    call.turnTo(other.target);
    return dial(other.target);
  };
  if (held !== undefined) socket.once('close', () => held.close());
  const proved = (): void => {
    isProved = true;
    present?.held?.answered(true);
  };
  void new Graft(socket, { open, another, proved });
}
