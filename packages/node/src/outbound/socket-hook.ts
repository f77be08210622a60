import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';

import { admitted } from '@rampart/mesh';
import type { Outbound, Route, Target } from '@rampart/mesh';

import type { Place } from './connect-arguments.ts';
import type { MeshNames } from './mesh-names.ts';
import type { DirectSockets } from './ruled/direct-sockets.ts';
import type { RuledDoor } from './ruled/ruled-door.ts';
import type { TlsOrigination } from './originated-tls.ts';
import { failing } from './failing-socket.ts';
import { graftOf } from './tcp/graft.ts';
import type { TcpCalls } from './tcp/tcp-calls.ts';

const dialled: unique symbol = Symbol('rampart.target');

type Dialled = Socket & { [dialled]?: Target };

const failed = new WeakMap<object, Target>();

/** The instance that a connection was for that failed with `error`. */
export function targetOfFailure(error: unknown): Target | undefined {
  return typeof error === 'object' && error !== null ? failed.get(error) : undefined;
}

export function markTarget(socket: Dialled, target: Target): void {
  socket[dialled] = target;
}

/** The instance that a socket opened by the hook leads to. */
export function targetOf(socket: Dialled): Target | undefined {
  return socket[dialled];
}

export interface SocketHookOptions {
  readonly outbound: Outbound;
  readonly names: MeshNames;
  readonly calls: TcpCalls;
  /** Where requests go that rules are about. */
  readonly door: RuledDoor;
  /** Connections that were opened straight to an instance. */
  readonly direct: DirectSockets;
  /** For hosts outside the mesh. */
  readonly origination: TlsOrigination;
}

/**
 * Catches the clients that open their own sockets (fetch, undici): a connection to a service name of the mesh,
 * plaintext or TLS, becomes a mutual-TLS connection to one of its instances.
 */
export function hookSockets({ outbound, names, calls, door, direct, origination }: SocketHookOptions): void {
  const { connect: netConnect } = net;
  const { connect: tlsConnect } = tls;
  const routeOf = (args: readonly unknown[]): (Routed & Place) | undefined => {
    const asked = placeOf(args);
    const place = asked === undefined ? undefined : names.placeOf(asked);
    if (place === undefined || !outbound.concerns(place.host)) return undefined;
    return { ...place, route: outbound.route(place.host, place.port) };
  };
  const viaMesh = (args: readonly unknown[]): Duplex | undefined => {
    const routed = routeOf(args);
    // Drivers of databases get the socket that Node makes for them: see the hook of its `connect`.
    return routed === undefined || isTcp(routed.route) ? undefined : open(routed, args);
  };
  const tlsViaMesh = (args: readonly unknown[]): Duplex | undefined => {
    const routed = routeOf(args);
    if (routed === undefined) return undefined;
    const socket = open(routed, args, 'secureConnect');
    if (socket instanceof tls.TLSSocket && isTcp(routed.route)) record(calls, socket, routed);
    return socket;
  };
  /** `opened` is the event that a client's own listener is for. */
  const open = (routed: Routed & Place, args: readonly unknown[], opened = 'connect'): Duplex | undefined => {
    const { host, port } = routed;
    const route = isTcp(routed.route) ? admitted(routed.route) : routed.route;
    if (route.kind === 'outside') return undefined;
    if (mayBeHttp(route) && door.concerns(host, port)) {
      return listened(door.connect(host, port, agreedOn(route, args)), args, opened);
    }
    if (route.kind === 'failed') return failing(route.error);
    const socket = outbound.dial(route.target);
    markTarget(socket, route.target);
    const { held } = route.target;
    if (!isTcp(route)) direct.opened(socket, routed);
    else if (held !== undefined) socket.once('close', () => held.close());
    socket.once('error', (error: Error) => failed.set(error, route.target));
    return listened(socket, args, opened);
  };
  const outside = (args: readonly unknown[]): Duplex | undefined => {
    const socket = origination.connect(args);
    return socket === undefined ? undefined : listened(socket, args, 'connect');
  };
  const meshConnect = (...args: unknown[]): unknown =>
    viaMesh(args) ?? outside(args) ?? Reflect.apply(netConnect, net, args);
  const meshTlsConnect = (...args: unknown[]): unknown => {
    const socket = tlsViaMesh(args) ?? (Reflect.apply(tlsConnect, tls, args) as tls.TLSSocket);
    if (socket instanceof tls.TLSSocket) startOnGraft(socket, args);
    return socket;
  };
  Object.assign(net, { connect: meshConnect, createConnection: meshConnect });
  Object.assign(tls, { connect: meshTlsConnect });
  syncBuiltinESMExports();
}

/** A client's listener is the last argument. */
function listened(socket: Duplex, args: readonly unknown[], event: string): Duplex {
  const listener = args.at(-1);
  if (typeof listener === 'function') {
    socket.once(event, () => {
      Reflect.apply(listener, socket, []);
    });
  }
  return socket;
}

/** What a client that offers HTTP/2 by ALPN would agree on with an instance that speaks it. */
function agreedOn(route: Route, args: readonly unknown[]): 'h2' | undefined {
  const protocol = route.kind === 'mesh' ? route.target.endpoint.protocol : '';
  if (protocol !== 'http2' && protocol !== 'grpc') return undefined;
  return args.some((each) => offersHttp2(each)) ? 'h2' : undefined;
}

function offersHttp2(options: unknown): boolean {
  if (typeof options !== 'object' || options === null || !('ALPNProtocols' in options)) return false;
  return Array.isArray(options.ALPNProtocols) && options.ALPNProtocols.includes('h2');
}

/** Where nobody serves at the moment, rules may know an answer all the same. */
function mayBeHttp(route: Route): boolean {
  return route.kind === 'failed' ? route.error.code === 'NO_HEALTHY_INSTANCE' : !isTcp(route);
}

interface Routed {
  readonly route: Route;
}

/**
 * TLS of the application on a socket whose connection is the mesh's (PostgreSQL's SSLRequest, STARTTLS): Node takes one without a
 * handle of its own for one that has still to be connected, and would wait for that.
 */
function startOnGraft(secure: tls.TLSSocket, args: readonly unknown[]): void {
  const below = args.map((each) =>
    typeof each === 'object' && each !== null && 'socket' in each ? each.socket : undefined,
  );
  const socket = below.find((each) => each instanceof net.Socket);
  if (socket === undefined || graftOf(socket) === undefined || socket.connecting || !secure.connecting) return;
  Reflect.set(secure, 'connecting', false);
  secure.emit('connect');
}

function isTcp(route: Route): boolean {
  return route.kind === 'mesh' && route.target.endpoint.protocol === 'tcp';
}

function record(calls: TcpCalls, socket: tls.TLSSocket, { host, port, route }: Routed & Place): void {
  calls.follow(socket, {
    authority: `${host}:${port}`,
    target: route.kind === 'mesh' ? route.target : undefined,
    isProved: () => socket.authorized,
    bytes: () => ({ sent: socket.bytesWritten, received: socket.bytesRead }),
  });
}

/** The forms of `net.connect`: (options), (port, host). A path, a ready socket or a bare port stay what they are. */
function placeOf(args: readonly unknown[]): Place | undefined {
  const [first, second] = args;
  if (typeof first === 'number' && typeof second === 'string') return { host: second, port: first };
  if (typeof first !== 'object' || first === null) return undefined;
  const { host, port, path, socket }: { host?: unknown; port?: unknown; path?: unknown; socket?: unknown } = first;
  if (typeof host !== 'string' || typeof path === 'string' || socket != null) return undefined;
  return { host, port: Number(port ?? 0) };
}
