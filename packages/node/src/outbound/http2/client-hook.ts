import http2 from 'node:http2';
import type { ClientHttp2Session, ClientSessionOptions } from 'node:http2';
import { syncBuiltinESMExports } from 'node:module';
import type { Socket } from 'node:net';

import { RampartError } from '@rampart/core';
import { HTTP2, MESH_ALPN } from '@rampart/mesh';
import type { Outbound, Route } from '@rampart/mesh';

import type { MeshNames } from '../mesh-names.ts';
import { failing, markTarget, targetOf } from '../socket-hook.ts';
import type { Http2Calls } from './http2-calls.ts';

export interface Http2ClientOptions {
  readonly outbound: Outbound;
  readonly names: MeshNames;
  readonly calls: Http2Calls;
}

/** Leads the HTTP/2 sessions of this process to services of the mesh, and follows their requests, whoever opened the connection. */
export function hookHttp2(options: Http2ClientOptions): void {
  const { connect } = http2;
  const hooked = (...args: unknown[]): ClientHttp2Session => {
    const session = Reflect.apply(connect, http2, throughMesh(options, args)) as ClientHttp2Session;
    const target = session.socket === undefined ? undefined : targetOf(session.socket);
    if (target !== undefined) options.calls.follow(session, target);
    return session;
  };
  Object.assign(http2, { connect: hooked });
  syncBuiltinESMExports();
}

function throughMesh({ outbound, names }: Http2ClientOptions, args: readonly unknown[]): readonly unknown[] {
  const [authority, ...rest] = args;
  const given = rest.find((each) => isOptions(each));
  if (given?.createConnection !== undefined) return args;
  const asked = placeOf(authority);
  const place = asked === undefined ? undefined : names.placeOf(asked);
  if (place === undefined || !outbound.concerns(place.host)) return args;
  const createConnection = (): Socket => open(outbound, outbound.route(place.host, place.port));
  return [authority, { ...given, createConnection }, ...rest.filter((each) => typeof each === 'function')];
}

function isOptions(value: unknown): value is ClientSessionOptions {
  return typeof value === 'object' && value !== null;
}

function open(outbound: Outbound, route: Route): Socket {
  if (route.kind === 'outside') throw new RampartError('INTERNAL', 'BUG: a name of the mesh is none any more');
  if (route.kind === 'failed') return failing(route.error);
  const { target } = route;
  const socket = outbound.dial(target, HTTP2);
  markTarget(socket, target);
  socket.once('secureConnect', () => {
    if (socket.alpnProtocol !== MESH_ALPN) return;
    const where = `${target.endpoint.address}, an instance of ${target.service.host},`;
    const problem = `${where} speaks HTTP/1.1 only; call it with node:http or fetch`;
    // The session takes hold of the socket at the same event, and Node does not survive one that is gone by then.
    setImmediate(() => socket.destroy(new RampartError('INVALID_ARGUMENT', problem)));
  });
  return socket;
}

function placeOf(authority: unknown): { readonly host: string; readonly port: number } | undefined {
  const url = typeof authority === 'string' && URL.canParse(authority) ? new URL(authority) : authority;
  if (!(url instanceof URL)) return undefined;
  const usual = url.protocol === 'http:' ? 80 : 443;
  return { host: url.hostname, port: url.port === '' ? usual : Number(url.port) };
}
