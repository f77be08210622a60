import http2 from 'node:http2';
import type { ClientHttp2Session, ClientSessionOptions } from 'node:http2';
import { syncBuiltinESMExports } from 'node:module';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import { RampartError } from '@rampart/core';
import type { Outbound, Route } from '@rampart/mesh';

import type { MeshNames } from '../mesh-names.ts';
import { failing } from '../failing-socket.ts';
import { markTarget, targetOf } from '../socket-hook.ts';
import type { RuledStreams } from '../ruled/http2/ruled-streams.ts';
import { leadsToRules } from '../ruled/ruled-door.ts';
import type { RuledDoor } from '../ruled/ruled-door.ts';
import { dialHttp2 } from './dial-http2.ts';
import type { Http2Calls } from './http2-calls.ts';

export interface Http2ClientOptions {
  readonly outbound: Outbound;
  readonly names: MeshNames;
  readonly calls: Http2Calls;
  /** Where requests go that rules are about. */
  readonly door: RuledDoor;
  readonly streams: RuledStreams;
}

export interface Http2Hook {
  /** Asks sessions that lead straight to an instance to end with what is under way, where rules are about their requests now. */
  retire(): void;
}

/** Leads the HTTP/2 sessions of this process to services of the mesh, and follows their requests, whoever opened the connection. */
export function hookHttp2(options: Http2ClientOptions): Http2Hook {
  const { calls, door, streams } = options;
  const { connect } = http2;
  const direct = new Map<ClientHttp2Session, Place>();
  const hooked = (...args: unknown[]): ClientHttp2Session => {
    const place = placeInMesh(options, args);
    if (place === undefined) return follow(Reflect.apply(connect, http2, args) as ClientHttp2Session);
    const isRuled = door.concerns(place.host, place.port);
    const createConnection = (): Duplex =>
      isRuled
        ? door.connect(place.host, place.port)
        : open(options.outbound, options.outbound.route(place.host, place.port));
    const session = Reflect.apply(connect, http2, connecting(args, createConnection)) as ClientHttp2Session;
    if (!isRuled) {
      direct.set(session, place);
      session.once('close', () => direct.delete(session));
    }
    return follow(session);
  };
  const follow = (session: ClientHttp2Session): ClientHttp2Session => {
    if (leadsToRules(session.socket)) {
      streams.note(session, (headers) => calls.begin(headers));
      return session;
    }
    const target = session.socket === undefined ? undefined : targetOf(session.socket);
    if (target !== undefined) calls.follow(session, target);
    return session;
  };
  Object.assign(http2, { connect: hooked });
  syncBuiltinESMExports();
  return {
    retire: () => {
      for (const [session, { host, port }] of direct) if (door.concerns(host, port)) session.close();
    },
  };
}

interface Place {
  readonly host: string;
  readonly port: number;
}

/** Where a session is meant to go, if that is the mesh's business. */
function placeInMesh({ outbound, names }: Http2ClientOptions, args: readonly unknown[]): Place | undefined {
  const [authority, ...rest] = args;
  if (rest.find((each) => isOptions(each))?.createConnection !== undefined) return undefined;
  const asked = placeOf(authority);
  const place = asked === undefined ? undefined : names.placeOf(asked);
  return place !== undefined && outbound.concerns(place.host) ? place : undefined;
}

function connecting(args: readonly unknown[], createConnection: () => Duplex): readonly unknown[] {
  const [authority, ...rest] = args;
  const given = rest.find((each) => isOptions(each));
  return [authority, { ...given, createConnection }, ...rest.filter((each) => typeof each === 'function')];
}

function isOptions(value: unknown): value is ClientSessionOptions {
  return typeof value === 'object' && value !== null;
}

function open(outbound: Outbound, route: Route): Socket {
  if (route.kind === 'outside') throw new RampartError('INTERNAL', 'BUG: a name of the mesh is none any more');
  if (route.kind === 'failed') return failing(route.error);
  const socket = dialHttp2(outbound, route.target);
  markTarget(socket, route.target);
  return socket;
}

function placeOf(authority: unknown): Place | undefined {
  const url = typeof authority === 'string' && URL.canParse(authority) ? new URL(authority) : authority;
  if (!(url instanceof URL)) return undefined;
  const usual = url.protocol === 'http:' ? 80 : 443;
  return { host: url.hostname, port: url.port === '' ? usual : Number(url.port) };
}
