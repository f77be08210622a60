import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import type { Socket } from 'node:net';
import tls from 'node:tls';

import type { Outbound, Route, Target } from '@rampart/mesh';

const dialled: unique symbol = Symbol('rampart.target');

type Dialled = Socket & { [dialled]?: Target };

const failed = new WeakMap<object, Target>();

/** The instance that a connection was for that failed with `error`. */
export function targetOfFailure(error: unknown): Target | undefined {
  return typeof error === 'object' && error !== null ? failed.get(error) : undefined;
}

/** The instance that a socket opened by the hook leads to. */
export function targetOf(socket: Dialled): Target | undefined {
  return socket[dialled];
}

/**
 * Catches the clients that open their own sockets (fetch, undici): a connection to a service name of the mesh,
 * plaintext or TLS, becomes a mutual-TLS connection to one of its instances.
 */
export function hookSockets(outbound: Outbound): void {
  const { connect: netConnect } = net;
  const { connect: tlsConnect } = tls;
  const viaMesh = (args: readonly unknown[]): Socket | undefined => {
    const place = placeOf(args);
    if (place === undefined || !outbound.concerns(place.host)) return undefined;
    return open(outbound.route(place.host, place.port), args);
  };
  const open = (route: Route, args: readonly unknown[]): Socket | undefined => {
    if (route.kind === 'outside') return undefined;
    if (route.kind === 'failed') return failing(route.error);
    const socket: Dialled = outbound.dial(route.target);
    socket[dialled] = route.target;
    socket.once('error', (error: Error) => failed.set(error, route.target));
    const listener = args.at(-1);
    if (typeof listener === 'function') {
      socket.once('connect', () => {
        Reflect.apply(listener, socket, []);
      });
    }
    return socket;
  };
  const meshConnect = (...args: unknown[]): unknown => viaMesh(args) ?? Reflect.apply(netConnect, net, args);
  const meshTlsConnect = (...args: unknown[]): unknown => viaMesh(args) ?? Reflect.apply(tlsConnect, tls, args);
  Object.assign(net, { connect: meshConnect, createConnection: meshConnect });
  Object.assign(tls, { connect: meshTlsConnect });
  syncBuiltinESMExports();
}

interface Place {
  readonly host: string;
  readonly port: number;
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

function failing(error: Error): Socket {
  const socket = new net.Socket();
  process.nextTick(() => socket.destroy(error));
  return socket;
}
